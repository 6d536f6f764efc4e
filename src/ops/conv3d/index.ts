import { volumeShape, type Value } from '../../graph/value.js'
import { op, type OpSpec } from '../../graph/op.js'
import { concatChannels } from '../shared/concat-channels.js'
import { requireWeight } from '../shared/requirements.js'
import type { Triple } from '../shared/triple.js'
import { upsampleNearest } from '../upsample-nearest.js'
import { backwardActivation, requireKnown, type Activation } from './activation.js'
import { backwardBias } from './backward-weight.js'
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
import { checkShapes, partsOf, plainConvolution, type UpsampledAndSkip } from './same.js'

export type { Activation } from './activation.js'
export type { UpsampledAndSkip } from './same.js'

/** What `conv3d` does in addition to the plain convolution. */
export interface Conv3dOptions extends GeometryOptions {
  /** Applied to the result in the same kernel. Default: none. */
  readonly activation?: Activation
}

/**
 * 3-D convolution, as `torch.nn.functional.conv3d`, with zeros outside the input. A tuned
 * kernel computes it if it keeps the size, its kernel is odd, and stride and groups are 1, and its gradients too if dilation
 * is 1. Otherwise strided kernels do, which support neither dilation nor groups, or general ones.
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
  requireWeight('conv3d', weight, '[Co, Ci, kD, kH, kW]')
  return convolution(input, weight, bias, options)
}

/** `conv3d` with a weight whose kernel may leave out leading axes of one voxel. */
export function convolution(
  input: Value | UpsampledAndSkip,
  weight: Value,
  bias: Value | undefined,
  options: Conv3dOptions,
): Value {
  const activation = options.activation ?? 'none'
  requireKnown('conv3d', activation)
  const { coarse, skip } = partsOf(input)
  checkShapes(skip, coarse, weight, bias, groupsOf('conv3d', options))
  const [, , ...kernel] = kernelShape(weight.shape)
  const { depth, height, width } = volumeShape(skip)
  const { geometry, extents } = convolutionGeometry([depth, height, width], kernel, options)
  if (isPlain(geometry)) return plainConvolution(skip, coarse, weight, bias, activation)
  const whole = coarse ? concatChannels([upsampleNearest(coarse), skip]) : skip
  return generalConvolution(whole, { weight, bias, activation }, geometry, extents)
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
