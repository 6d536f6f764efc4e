import { volumeShape, type Value } from '../../graph/value.js'
import { defineNode } from '../../graph/node.js'
import { op, type OpSpec } from '../../graph/op.js'
import { concat } from '../concat.js'
import { maskInPlace } from '../relu.js'
import { requireBias, requireWeight, shown } from '../shared/requirements.js'
import type { Triple } from '../shared/triple.js'
import { upsampleNearest, upsampleNearestBackward } from '../upsample-nearest.js'
import { backwardActivation, type Activation } from './activation.js'
import { backwardBias, backwardWeight } from './backward-weight.js'
import { convolve } from './tuned.js'
import { packWeights } from './pack-weights.js'
import {
  convolutionPlanes,
  kernelShape,
  convolutionGeometry,
  groupsOf,
  isCentred,
  isPlain,
  type Geometry,
  type GeometryOptions,
} from './geometry.js'
import type { Weights } from './general.js'
import { anyBackwardInput, anyBackwardWeight, anyForward } from './any-geometry.js'

export type { Activation } from './activation.js'

/** What `conv3d` does in addition to the plain convolution. */
export interface Conv3dOptions extends GeometryOptions {
  /** Applied to the result in the same kernel. Default: none. */
  readonly activation?: Activation
}

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
 * 3-D convolution, as `torch.nn.functional.conv3d`, with zeros outside the input. If it keeps the size, its kernel is
 * odd, and stride and groups are 1, a tuned kernel computes it, and its gradients too if dilation is 1; else general ones.
 *
 * @param input [N, Ci, D, H, W], or the two parts of it
 * @param weight [Co, Ci/groups, kD, kH, kW]; or [Co, Ci/groups] for a kernel of one voxel
 * @param bias [Co], or undefined for none
 * @returns [N, Co, D', H', W'] with D' = floor((D + 2 padding - dilation (kD - 1) - 1) / stride) + 1
 * @throws Error if shapes do not fit, an option is invalid, or the kernel is larger than the padded input
 */
export function conv3d(
  input: Value | UpsampledAndSkip,
  weight: Value,
  bias?: Value,
  options: Conv3dOptions = {},
): Value {
  const activation = options.activation ?? 'none'
  const { coarse, skip } = 'skip' in input ? input : { coarse: undefined, skip: input }
  checkShapes(skip, coarse, weight, bias, groupsOf('conv3d', options))
  const [, , ...kernel] = kernelShape(weight.shape)
  const { depth, height, width } = volumeShape(skip)
  const { geometry, extents } = convolutionGeometry([depth, height, width], kernel, options)
  if (isPlain(geometry)) return plainConvolution(skip, coarse, weight, bias, activation)
  const whole = coarse ? concat([upsampleNearest(coarse), skip]) : skip
  return generalConvolution(whole, { weight, bias, activation }, geometry, extents)
}

/** With stride, dilation and groups 1 and padding that keeps the size. */
function plainConvolution(
  skip: Value,
  coarse: Value | undefined,
  weight: Value,
  bias: Value | undefined,
  activation: Activation,
): Value {
  const packed = packWeights(weight, bias, 'forward')
  return op({
    name: 'conv3d',
    // weight and bias are inputs besides their packed form so that they get a gradient.
    inputs: { skip, weight, packed: packed.value, bias, coarse },
    output: { shape: [skip.shape[0]!, weight.shape[0]!, ...skip.shape.slice(2)] },
    ...convolutionPlanes(skip, packed.kernel[0], coarse),
    costly: packed.kernel.some((extent) => extent > 1),
    withoutActivation:
      activation === 'none' ? undefined : () => plainConvolution(skip, coarse, weight, bias, 'none'),
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
}

function generalConvolution(input: Value, weights: Weights, geometry: Geometry, extents: Triple): Value {
  const { weight, bias, activation = 'none' } = weights
  const { depth, height, width } = volumeShape(input)
  const forward = isCentred(geometry) ? dilatedForward(input, weights, geometry.dilation) : undefined
  return op({
    ...(forward ?? anyForward('conv3d', input, weights, geometry, extents)),
    withoutActivation:
      activation === 'none'
        ? undefined
        : () => generalConvolution(input, { ...weights, activation: 'none' }, geometry, extents),
    backward: (gradOutput, output) => {
      const grad = backwardActivation(activation, output, gradOutput)
      return {
        input: op(
          anyBackwardInput('conv3d backward input', grad, { weight }, geometry, [depth, height, width]),
        ),
        weight: anyBackwardWeight('conv3d backward weight', input, grad, weight, geometry),
        bias: bias && backwardBias(grad, bias),
      }
    },
  })
}

/** A convolution that keeps the size by the tuned kernel: on a CPU driver some eight times faster than the general one. */
function dilatedForward(
  input: Value,
  { weight, bias, activation = 'none' }: Weights,
  dilation: Triple,
): OpSpec<{ input: Value; weight: Value; bias: Value | undefined; packed: Value }> {
  const packed = packWeights(weight, bias, 'forward')
  return {
    name: 'conv3d',
    inputs: { input, weight, bias, packed: packed.value },
    output: { shape: [input.shape[0]!, weight.shape[0]!, ...input.shape.slice(2)] },
    ...convolutionPlanes(input, packed.kernel[0], undefined, dilation[0]),
    costly: true,
    emit: (output, device, slab) => convolve({ input, packed, output, activation, dilation }, device, slab),
  }
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
      emit: (output, device, slab) => {
        const convolution = { input: gradOutput, packed, output, activation: 'none' } as const
        // A CPU driver takes many seconds to compile the masked kernel and gains next to nothing from it.
        if (!mask || !device.software) return convolve({ ...convolution, mask }, device, slab)
        return [...convolve(convolution, device, slab), ...maskInPlace(mask, output, device, slab)]
      },
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

function checkShapes(
  skip: Value,
  coarse: Value | undefined,
  weight: Value,
  bias: Value | undefined,
  groups: number,
): void {
  const [outputs, inputs] = weight.shape
  requireWeight('conv3d', weight, '[Co, Ci, kD, kH, kW]')
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
