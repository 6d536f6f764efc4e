import { volumeShape, type Value } from '../../graph/value.js'
import { defineNode, type Choice } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import { requireBias, requireWeight, shown } from '../shared/requirements.js'
import { upsampleNearestBackward } from '../upsample-nearest.js'
import { backwardActivation, requireKnown, type Activation } from './activation.js'
import { backwardWeight } from './backward-weight.js'
import { convolutionPlanes, kernelShape } from './geometry.js'
import { packWeights } from './pack-weights.js'
import { convolve, type Convolution } from './tuned.js'

/**
 * `concat([upsampleNearest(coarse), skip])`, which a convolution reads from its two parts without computing it: the
 * input of a U-Net's ascending blocks.
 */
export interface UpsampledAndSkip {
  /** [N, Cc, D/2, H/2, W/2] */
  readonly coarse: Value
  /** [N, Cs, D, H, W] */
  readonly skip: Value
}

/**
 * `conv3d` with padding 'same' and an odd kernel, at stride, dilation and groups 1. A program that needs no other
 * convolution does not load the kernels for those.
 *
 * @param input [N, Ci, D, H, W], or the two parts of it
 * @param weight [Co, Ci, kD, kH, kW]; or [Co, Ci] for a kernel of one voxel
 * @param bias [Co], or undefined for none
 * @returns [N, Co, D, H, W]
 * @throws Error if shapes do not fit, the kernel is even, or there is no such activation
 */
export function sameConv3d(
  input: Value | UpsampledAndSkip,
  weight: Value,
  bias?: Value,
  { activation = 'none' }: { readonly activation?: Activation } = {},
): Value {
  requireWeight('conv3d', weight, '[Co, Ci, kD, kH, kW]')
  requireKnown('conv3d', activation)
  const { coarse, skip } = partsOf(input)
  checkShapes(skip, coarse, weight, bias, 1)
  if (kernelShape(weight.shape).some((extent, axis) => axis > 1 && extent % 2 === 0)) {
    throw new Error(`conv3d: weight ${shown(weight)} must have an odd kernel`)
  }
  return plainConvolution(skip, coarse, weight, bias, activation)
}

/** The parts of an input. */
export function partsOf(input: Value | UpsampledAndSkip): {
  readonly coarse: Value | undefined
  readonly skip: Value
} {
  return 'skip' in input ? input : { coarse: undefined, skip: input }
}

/** With stride, dilation and groups 1 and padding that keeps the size. */
export function plainConvolution(
  skip: Value,
  coarse: Value | undefined,
  weight: Value,
  bias: Value | undefined,
  activation: Activation,
): Value {
  const packed = packWeights(weight, bias, 'forward', coarse && volumeShape(coarse).channels)
  const result: Value = op({
    name: 'conv3d',
    // weight and bias are inputs besides their packed form so that they get a gradient.
    inputs: { skip, weight, packed: packed.value, bias, coarse },
    output: { shape: [skip.shape[0]!, weight.shape[0]!, ...skip.shape.slice(2)] },
    ...convolutionPlanes(skip, packed.kernel[0], coarse),
    costly: packed.kernel.some((extent) => extent > 1),
    withoutActivation:
      activation === 'none' ? undefined : () => plainConvolution(skip, coarse, weight, bias, 'none'),
    argmaxed:
      activation === 'none' && packed.outputs <= mostChosen
        ? (choice) => chosenConvolution({ skip, coarse, packed }, choice, result)
        : undefined,
    emit: (output, device, slab) =>
      convolve({ input: skip, coarse, packed, output, activation }, device, slab),
    backward: (gradOutput, output) => {
      const grad = backwardActivation(activation, output, gradOutput)
      return {
        ...(coarse ? backwardParts(grad, weight, coarse) : { skip: backwardInput(grad, weight) }),
        ...backwardWeight({
          input: skip,
          coarse,
          gradOutput: grad,
          shape: weight.shape,
          bias: bias !== undefined,
          parameter: weight,
        }),
      }
    },
  })
  return result
}

/** Output channels that one tile can hold. */
const mostChosen = 16

/** The argmax of a convolution's `result`, which is not stored. */
function chosenConvolution(
  { skip, coarse, packed }: Pick<Convolution, 'coarse' | 'packed'> & { readonly skip: Value },
  choice: Choice,
  result: Value,
): Value {
  const { prior } = choice
  return op({
    name: 'conv3d argmax',
    inputs: { skip, packed: packed.value, coarse, prior },
    output: { shape: [skip.shape[0]!, 1, ...skip.shape.slice(2)], dtype: 'u32' },
    ...convolutionPlanes(skip, packed.kernel[0], coarse),
    costly: true,
    withoutActivation: () => result,
    emit: (output, device, slab) =>
      convolve({ input: skip, coarse, packed, output, choice, activation: 'none' }, device, slab),
  })
}

/** The gradient with respect to the input is the convolution of the gradient with flipped, transposed weights. */
export function backwardInput(gradOutput: Value, weight: Value): Value {
  const packed = packWeights(weight, undefined, 'backward')
  const through = (mask?: Value): Value =>
    op({
      name: 'conv3d backward input',
      inputs: { gradOutput, packed: packed.value, mask },
      output: { shape: [gradOutput.shape[0]!, weight.shape[1]!, ...gradOutput.shape.slice(2)] },
      ...convolutionPlanes(gradOutput, packed.kernel[0]),
      emit: (output, device, slab) =>
        convolve({ input: gradOutput, packed, output, mask, activation: 'none' }, device, slab),
      masked: mask ? undefined : through,
    })
  return through()
}

/** The same with respect to the parts of an input. One pass writes both, still at the fine scale. */
function backwardParts(
  gradOutput: Value,
  weight: Value,
  coarse: Value,
): { readonly skip: Value; readonly coarse: Value } {
  const packed = packWeights(weight, undefined, 'backward')
  const [batch, , ...extents] = gradOutput.shape as [number, number, ...number[]]
  const upsampled = volumeShape(coarse).channels
  const { outputs } = defineNode({
    name: 'conv3d backward input',
    inputs: { gradOutput, packed: packed.value },
    outputs: [
      { name: 'gradient of skip', shape: [batch, weight.shape[1]! - upsampled, ...extents] },
      { name: 'gradient of upsampled', shape: [batch, upsampled, ...extents] },
    ],
    ...convolutionPlanes(gradOutput, packed.kernel[0]),
    emit: ([output, firstOutput], device, slab) =>
      convolve({ input: gradOutput, packed, output, firstOutput, activation: 'none' }, device, slab),
  })
  const [skip, gradUpsampled] = outputs
  return { skip, coarse: upsampleNearestBackward(coarse, gradUpsampled) }
}

/** @throws Error if the shapes of input, weight and bias do not fit */
export function checkShapes(
  skip: Value,
  coarse: Value | undefined,
  weight: Value,
  bias: Value | undefined,
  groups: number,
): void {
  const [outputs, inputs] = weight.shape
  const { channels } = volumeShape(skip, 'conv3d')
  const all = channels + (coarse ? volumeShape(coarse, 'conv3d').channels : 0)
  if (inputs! * groups !== all) {
    const which = groups === 1 ? '' : ` in ${groups} groups`
    const parts = coarse ? `${shown(coarse)} and ${shown(skip)}` : shown(skip)
    throw new Error(
      `conv3d: weight ${shown(weight)} reads ${inputs! * groups} channels${which}, input ${parts} has ${all}`,
    )
  }
  if (outputs! % groups !== 0) {
    throw new Error(`conv3d: ${outputs!} output channels cannot be cut into ${groups} groups`)
  }
  requireBias('conv3d', bias, outputs!)
  if (
    coarse &&
    skip.shape.some((n, axis) => axis !== 1 && n !== (axis === 0 ? 1 : 2) * coarse.shape[axis]!)
  ) {
    throw new Error(`conv3d: ${shown(coarse)} is not ${shown(skip)} at half the resolution`)
  }
}
