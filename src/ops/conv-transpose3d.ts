import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import { backwardActivation, requireKnown, type Activation } from './conv3d/activation.js'
import { backwardBias } from './conv3d/backward-weight.js'
import { kernelShape, groupsOf, type Geometry } from './conv3d/geometry.js'
import { anyBackwardInput, anyBackwardWeight, anyForward } from './conv3d/any-geometry.js'
import { requireBias, requireWeight, shown } from './shared/requirements.js'
import { eachAxis, triple, type Triple } from './shared/triple.js'

/** As in `torch.nn.functional.conv_transpose3d`. */
export interface ConvTranspose3dOptions {
  /** Output voxels from one input voxel to the next. Default 1. */
  readonly stride?: number | Triple
  /** Voxels to remove at both ends of each axis of the output. Default 0. */
  readonly padding?: number | Triple
  /** Extra voxels at the high end of each axis, fewer than stride or dilation. Default 0. */
  readonly outputPadding?: number | Triple
  /** Voxels from one tap of the kernel to the next. Default 1. */
  readonly dilation?: number | Triple
  /** Input and output channels are split into this many groups; each output reads only its own group. Default 1. */
  readonly groups?: number
  /** Applied to the result in the same kernel. Default: none. */
  readonly activation?: Activation
}

/**
 * Transposed 3-D convolution, as `torch.nn.functional.conv_transpose3d`: the gradient of `conv3d` with the same weight
 * and options with respect to its input. Every input voxel adds the kernel times its value to the output.
 *
 * @param input [N, Ci, D, H, W]
 * @param weight [Ci, Co/groups, kD, kH, kW]; or [Ci, Co/groups] for a kernel of one voxel
 * @param bias [Co], or undefined for none
 * @returns [N, Co, D', H', W'] with D' = (D - 1) stride - 2 padding + dilation (kD - 1) + outputPadding + 1
 * @throws Error if shapes do not fit, an option is invalid, or no output is left
 */
export function convTranspose3d(
  input: Value,
  weight: Value,
  bias?: Value,
  options: ConvTranspose3dOptions = {},
): Value {
  requireWeight('conv_transpose3d', weight, '[Ci, Co/groups, kD, kH, kW]')
  return transposedConvolution(input, weight, bias, options)
}

/** `convTranspose3d` with a weight whose kernel may leave out leading axes of one voxel. */
export function transposedConvolution(
  input: Value,
  weight: Value,
  bias: Value | undefined,
  options: ConvTranspose3dOptions,
): Value {
  const { activation = 'none' } = options
  requireKnown('conv_transpose3d', activation)
  const { depth, height, width } = volumeShape(input, 'conv_transpose3d')
  checkShapes(input, weight, bias, groupsOf('conv_transpose3d', options))
  const { geometry, extents } = transposedGeometry([depth, height, width], weight, options)
  return op({
    ...anyBackwardInput('conv_transpose3d', input, { weight, bias, activation }, geometry, extents),
    withoutActivation:
      activation === 'none'
        ? undefined
        : () => transposedConvolution(input, weight, bias, { ...options, activation: 'none' }),
    backward: (gradOutput, output) => {
      const grad = backwardActivation(activation, output, gradOutput)
      return {
        input: op(
          anyForward('conv_transpose3d backward input', grad, { weight }, geometry, [depth, height, width]),
        ),
        weight: anyBackwardWeight('conv_transpose3d backward weight', grad, input, weight, geometry),
        bias: bias && backwardBias(grad, bias),
      }
    },
  })
}

/** The geometry of the convolution that this is the transpose of, and the extents of its input. */
function transposedGeometry(
  extents: Triple,
  weight: Value,
  options: ConvTranspose3dOptions,
): { readonly geometry: Geometry; readonly extents: Triple } {
  const [, , ...kernel] = kernelShape(weight.shape)
  const stride = triple('conv_transpose3d: stride', options.stride ?? 1, 1)
  const dilation = triple('conv_transpose3d: dilation', options.dilation ?? 1, 1)
  const padding = triple('conv_transpose3d: padding', options.padding ?? 0, 0)
  const more = triple('conv_transpose3d: outputPadding', options.outputPadding ?? 0, 0)
  if (more.some((n, axis) => n >= Math.max(stride[axis]!, dilation[axis]!))) {
    throw new Error(
      `conv_transpose3d: outputPadding [${more.join(', ')}] must be less than stride or dilation`,
    )
  }
  const output = eachAxis(
    (axis) =>
      (extents[axis] - 1) * stride[axis] -
      2 * padding[axis] +
      dilation[axis] * (kernel[axis] - 1) +
      more[axis] +
      1,
  )
  if (output.some((n) => n < 1)) {
    throw new Error(`conv_transpose3d: padding [${padding.join(', ')}] leaves no output`)
  }
  const groups = groupsOf('conv_transpose3d', options)
  return { geometry: { kernel, stride, padding, dilation, groups }, extents: output }
}

function checkShapes(input: Value, weight: Value, bias: Value | undefined, groups: number): void {
  const [inputs, ofGroup] = weight.shape
  const { channels } = volumeShape(input, 'conv_transpose3d')
  if (inputs !== channels) {
    throw new Error(
      `conv_transpose3d: weight ${shown(weight)} reads ${inputs!} channels, input ${shown(input)} has ${channels}`,
    )
  }
  if (channels % groups !== 0) {
    throw new Error(`conv_transpose3d: ${channels} input channels cannot be cut into ${groups} groups`)
  }
  requireBias('conv_transpose3d', bias, ofGroup! * groups)
}
