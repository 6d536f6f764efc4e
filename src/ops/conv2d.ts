import { volumeShape, type Value } from '../graph/value.js'
import { convolution, type Conv3dOptions } from './conv3d/index.js'
import { transposedConvolution } from './conv-transpose3d.js'
import { requireWeight, shown } from './shared/requirements.js'
import type { Triple } from './shared/triple.js'

/** One number for each axis of an image. */
export type Pair = readonly [height: number, width: number]

type Settings = Pick<Conv3dOptions, 'groups' | 'activation'>

/** Options of `conv2d`, those of `conv3d` for the axes H and W. */
export interface Conv2dOptions extends Settings {
  /** Pixels from one output to the next. Default 1. */
  readonly stride?: number | Pair
  /** Zeros at both ends of each axis; or 'same', as for `conv3d`. Default 0. */
  readonly padding?: number | Pair | 'same'
  /** Pixels from one tap of the kernel to the next. Default 1. */
  readonly dilation?: number | Pair
}

/** Options of `conv1d`, those of `conv3d` for the axis L. */
export interface Conv1dOptions extends Settings {
  /** Samples from one output to the next. Default 1. */
  readonly stride?: number
  /** Zeros at both ends; or 'same', as for `conv3d`. Default 0. */
  readonly padding?: number | 'same'
  /** Samples from one tap of the kernel to the next. Default 1. */
  readonly dilation?: number
}

/** Options of `convTranspose2d`, those of `convTranspose3d` for the axes H and W. */
export interface ConvTranspose2dOptions extends Settings {
  /** Output pixels from one input pixel to the next. Default 1. */
  readonly stride?: number | Pair
  /** Pixels to remove at both ends of each axis of the output. Default 0. */
  readonly padding?: number | Pair
  /** Extra pixels at the high end of each axis, fewer than stride or dilation. Default 0. */
  readonly outputPadding?: number | Pair
  /** Pixels from one tap of the kernel to the next. Default 1. */
  readonly dilation?: number | Pair
}

/**
 * 2-D convolution, as `torch.nn.functional.conv2d`: `conv3d` of an image. Images are volumes of depth 1, so that all ops
 * on volumes take them; in memory, [N, C, 1, H, W] is [N, C, H, W] row-major.
 *
 * @param input [N, Ci, 1, H, W]
 * @param weight [Co, Ci/groups, kH, kW]; or [Co, Ci/groups] for a kernel of one pixel
 * @param bias [Co], or undefined for none
 * @returns [N, Co, 1, H', W'] with H' = floor((H + 2 padding - dilation (kH - 1) - 1) / stride) + 1
 * @throws Error if the input is not an image, shapes do not fit, or an option is invalid
 */
export function conv2d(input: Value, weight: Value, bias?: Value, options: Conv2dOptions = {}): Value {
  requireExtents('conv2d', input, 2)
  requireWeight('conv2d', weight, '[Co, Ci, kH, kW]', 2)
  return convolution(input, weight, bias, inSpace(options, 2))
}

/**
 * 1-D convolution, as `torch.nn.functional.conv1d`: `conv3d` of a signal, a volume of depth and height 1.
 *
 * @param input [N, Ci, 1, 1, L]
 * @param weight [Co, Ci/groups, k]; or [Co, Ci/groups] for a kernel of one sample
 * @param bias [Co], or undefined for none
 * @returns [N, Co, 1, 1, L'] with L' as H' of `conv2d`
 * @throws Error if the input is not a signal, shapes do not fit, or an option is invalid
 */
export function conv1d(input: Value, weight: Value, bias?: Value, options: Conv1dOptions = {}): Value {
  requireExtents('conv1d', input, 1)
  requireWeight('conv1d', weight, '[Co, Ci, k]', 1)
  return convolution(input, weight, bias, inSpace(options, 1))
}

/**
 * Transposed 2-D convolution, as `torch.nn.functional.conv_transpose2d`: `convTranspose3d` of an image.
 *
 * @param input [N, Ci, 1, H, W]
 * @param weight [Ci, Co/groups, kH, kW]; or [Ci, Co/groups] for a kernel of one pixel
 * @param bias [Co], or undefined for none
 * @returns [N, Co, 1, H', W'] with H' = (H - 1) stride - 2 padding + dilation (kH - 1) + outputPadding + 1
 * @throws Error if the input is not an image, shapes do not fit, an option is invalid, or no output is left
 */
export function convTranspose2d(
  input: Value,
  weight: Value,
  bias?: Value,
  options: ConvTranspose2dOptions = {},
): Value {
  requireExtents('conv_transpose2d', input, 2)
  requireWeight('conv_transpose2d', weight, '[Ci, Co/groups, kH, kW]', 2)
  const { outputPadding = 0, ...others } = options
  const { padding, ...settings } = inSpace(others, 2)
  return transposedConvolution(input, weight, bias, {
    ...settings,
    padding: padding as Triple,
    outputPadding: along(outputPadding, 0, 2),
  })
}

/** The options in three axes: along those that the kernel leaves out, it has one voxel and does not move. */
function inSpace({ stride = 1, dilation = 1, padding = 0, ...others }: Conv2dOptions, axes: 1 | 2) {
  return {
    ...others,
    stride: along(stride, 1, axes),
    dilation: along(dilation, 1, axes),
    padding: padding === 'same' ? padding : along(padding, 0, axes),
  }
}

/** A setting of the last axes; the others have `neutral`. */
function along(setting: number | Pair, neutral: number, axes: 1 | 2): Triple {
  if (typeof setting !== 'number') return [neutral, ...setting]
  return [neutral, axes === 2 ? setting : neutral, setting]
}

function requireExtents(op: string, input: Value, axes: 1 | 2): void {
  const { depth, height } = volumeShape(input, op)
  if (depth !== 1 || (axes === 1 && height !== 1))
    throw new Error(`${op}: the input must be [N, C, 1, ${axes === 2 ? 'H' : '1'}, W], not ${shown(input)}`)
}
