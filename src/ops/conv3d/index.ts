import { volumeShape, type Value } from '../../autograd/value.js'
import { defineNode, only } from '../../autograd/node.js'
import { upsampleNearestBackward } from '../upsample-nearest.js'
import { backwardActivation, maskInPlace, throughRelu } from './backward-activation.js'
import { backwardWeight } from './backward-weight.js'
import { convolutionPlanes, convolve, packWeights, type Activation } from './forward.js'

export type { Activation } from './forward.js'

/** What `conv3d` and `labelConv3d` do beside the convolution. */
export interface Conv3dOptions {
  /** Applied to the result in the same kernel. Default: none. */
  readonly activation?: Activation
}

/**
 * `concat([upsampleNearest(coarse), skip])`, which a convolution reads from its two parts without making it: what a
 * U-Net reads on its way up.
 */
export interface UpsampledAndSkip {
  /** [N, Cc, D/2, H/2, W/2] */
  readonly coarse: Value
  /** [N, Cs, D, H, W] */
  readonly skip: Value
}

/**
 * 3-D convolution with stride 1 and zero padding that keeps the size, as `torch.nn.functional.conv3d` with
 * `padding='same'`.
 *
 * @param input [N, Ci, D, H, W], or the two parts of it
 * @param weight [Co, Ci, kD, kH, kW], every kernel extent odd; or [Co, Ci] for a kernel of one voxel
 * @param bias [Co], or undefined for none
 * @returns [N, Co, D, H, W]
 * @throws Error where shapes do not fit or a kernel extent is even
 */
export function conv3d(
  input: Value | UpsampledAndSkip,
  weight: Value,
  bias?: Value,
  options: Conv3dOptions = {},
): Value {
  const activation = options.activation ?? 'none'
  const { coarse, skip } = 'skip' in input ? input : { coarse: undefined, skip: input }
  checkShapes(skip, coarse, weight, bias)
  const packed = packWeights(weight, bias, 'forward')
  return only(
    defineNode({
      op: 'conv3d',
      // weight and bias stand beside their packed form for the sake of the gradient.
      inputs: [skip, weight, packed.value, ...(bias ? [bias] : []), ...(coarse ? [coarse] : [])],
      outputs: [{ shape: [skip.shape[0]!, weight.shape[0]!, ...skip.shape.slice(2)] }],
      emit: {
        ...convolutionPlanes(skip, packed.kernel[0], coarse),
        costly: packed.kernel.some((extent) => extent > 1),
        emit: ([output], device, slab) =>
          convolve({ input: skip, coarse, packed, output: output!, activation }, device, slab),
      },
      backward: ([gradOutput], [output]) => {
        const grad =
          activation === 'none' ? gradOutput! : backwardActivation(output!, gradOutput!, activation)
        const [gradSkip, gradCoarse] = coarse
          ? backwardParts(grad, weight, coarse)
          : [backwardInput(grad, weight)]
        const [gradWeight, gradBias] = backwardWeight({
          input: skip,
          coarse,
          gradOutput: grad,
          shape: weight.shape,
          bias: bias !== undefined,
        })
        return [gradSkip, gradWeight, undefined, ...(bias ? [gradBias] : []), ...(coarse ? [gradCoarse] : [])]
      },
    }),
  )
}

/** The gradient with respect to the input is the convolution of the gradient with flipped, transposed weights. */
export function backwardInput(gradOutput: Value, weight: Value): Value {
  const packed = packWeights(weight, undefined, 'backward')
  const through = (mask?: Value): Value =>
    only(
      defineNode({
        op: 'conv3d backward input',
        inputs: [gradOutput, packed.value, ...(mask ? [mask] : [])],
        outputs: [{ shape: [gradOutput.shape[0]!, weight.shape[1]!, ...gradOutput.shape.slice(2)] }],
        emit: {
          ...convolutionPlanes(gradOutput, packed.kernel[0]),
          emit: ([output], device, slab) => {
            const convolution = { input: gradOutput, packed, output: output!, activation: 'none' } as const
            // A driver of the CPU takes many seconds to compile the masked kernel, which saves it next to nothing.
            if (!mask || !device.software) return convolve({ ...convolution, mask }, device, slab)
            return [...convolve(convolution, device, slab), ...maskInPlace(mask, output!, device, slab)]
          },
        },
      }),
    )
  const gradInput = through()
  throughRelu.set(gradInput, through)
  return gradInput
}

/** The same with respect to the parts of an input: [skip, coarse]. One pass writes both, still at the fine scale. */
function backwardParts(gradOutput: Value, weight: Value, coarse: Value): [Value, Value] {
  const packed = packWeights(weight, undefined, 'backward')
  const [batch, , ...extents] = gradOutput.shape as [number, number, ...number[]]
  const upsampled = volumeShape(coarse).channels
  const node = defineNode({
    op: 'conv3d backward input',
    inputs: [gradOutput, packed.value],
    outputs: [
      { name: 'gradient of skip', shape: [batch, weight.shape[1]! - upsampled, ...extents] },
      { name: 'gradient of upsampled', shape: [batch, upsampled, ...extents] },
    ],
    emit: {
      ...convolutionPlanes(gradOutput, packed.kernel[0]),
      emit: ([output, firstOutput], device, slab) =>
        convolve(
          { input: gradOutput, packed, output: output!, firstOutput: firstOutput!, activation: 'none' },
          device,
          slab,
        ),
    },
  })
  const [gradSkip, gradUpsampled] = node.outputs as [Value, Value]
  return [gradSkip, upsampleNearestBackward(coarse, gradUpsampled)]
}

function checkShapes(skip: Value, coarse: Value | undefined, weight: Value, bias: Value | undefined): void {
  const [outputs, inputs, ...kernel] = weight.shape
  if (![2, 5].includes(weight.shape.length) || weight.layout !== 'flat') {
    throw new Error(`conv3d: weight must be [Co, Ci, kD, kH, kW], not [${weight.shape.join(', ')}]`)
  }
  const { channels } = volumeShape(skip)
  const all = channels + (coarse ? volumeShape(coarse).channels : 0)
  if (inputs !== all) throw new Error(`conv3d: weight reads ${inputs!} channels, input has ${all}`)
  if (kernel.some((k) => k % 2 === 0))
    throw new Error(`conv3d: kernel ${kernel.join('x')} has an even extent`)
  if (bias && (bias.size !== outputs || bias.layout !== 'flat')) {
    throw new Error(`conv3d: bias must be [${outputs!}], not [${bias.shape.join(', ')}]`)
  }
  if (
    coarse &&
    skip.shape.some((n, axis) => axis !== 1 && n !== (axis === 0 ? 1 : 2) * coarse.shape[axis]!)
  ) {
    throw new Error(
      `conv3d: [${coarse.shape.join(', ')}] is not [${skip.shape.join(', ')}] at half the resolution`,
    )
  }
}
