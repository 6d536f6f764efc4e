import { atLayer } from '../graph/layer.js'
import type { Value } from '../graph/value.js'
import {
  conv3d,
  convTranspose3d,
  type Conv3dOptions,
  type ConvTranspose3dOptions,
  type Triple,
  type UpsampledAndSkip,
} from '../ops/index.js'
import { eachAxis, triple } from '../ops/shared/triple.js'
import type { Network } from './layer.js'
import { weightAndBias, type WeightAndBiasOptions } from './weight-and-bias.js'

/** A convolution with its parameters. */
export interface ConvLayer extends Network {
  /** @param options in place of those that the layer was made with */
  (input: Value | UpsampledAndSkip, options?: Conv3dOptions): Value
}

/** Settings of a `convLayer`, and how its parameters begin. */
export interface ConvLayerOptions extends Conv3dOptions, WeightAndBiasOptions {
  /** Taps along D, H and W, or one number for all three. Default 3. For images with D = 1, [1, 3, 3]. */
  readonly kernelSize?: number | Triple
}

/**
 * A convolution, as `torch.nn.Conv3d`: parameters NAME.weight [outputs, inputs / groups, kD, kH, kW] and
 * NAME.bias [outputs].
 *
 * The padding is by default half of the kernel, rounded down: with an odd kernel, that keeps the size, or divides it by the
 * stride and rounds up.
 *
 * @param random draws the parameters that the options do not initialise, see `seededRandom`
 * @throws Error if an option is invalid, or the channels do not make equal groups
 */
export function convLayer(
  name: string,
  inputs: number,
  outputs: number,
  random: () => number,
  { weight: initialWeight, bias: initialBias, kernelSize = 3, ...settings }: ConvLayerOptions = {},
): ConvLayer {
  const kernel = triple(`${name}: kernelSize`, kernelSize, 1)
  const shape = [outputs, inputs / (settings.groups ?? 1), ...kernel]
  const initial = { weight: initialWeight, bias: initialBias }
  const parameters = weightAndBias(name, shape, outputs, random, initial)
  const [weight, bias] = parameters
  const dilation = triple(`${name}: dilation`, settings.dilation ?? 1, 1)
  const padding = eachAxis((axis) => Math.floor((dilation[axis] * (kernel[axis] - 1)) / 2))
  const apply = (input: Value | UpsampledAndSkip, options?: Conv3dOptions) =>
    atLayer(name, () => conv3d(input, weight, bias, { padding, ...settings, ...options }))
  return Object.assign(apply, { parameters })
}

/** Settings of a `convTransposeLayer`, and how its parameters begin. */
export interface ConvTransposeLayerOptions extends ConvTranspose3dOptions, WeightAndBiasOptions {
  /** Taps along D, H and W, or one number for all three. Default 2. */
  readonly kernelSize?: number | Triple
}

/**
 * A transposed convolution, as `torch.nn.ConvTranspose3d`: parameters NAME.weight [inputs, outputs / groups, kD, kH, kW]
 * and NAME.bias [outputs]. The stride is by default the size of the kernel, which multiplies the size of the input.
 *
 * @param random draws the parameters that the options do not initialise, see `seededRandom`
 * @throws Error if an option is invalid, or the channels do not make equal groups
 */
export function convTransposeLayer(
  name: string,
  inputs: number,
  outputs: number,
  random: () => number,
  { weight: initialWeight, bias: initialBias, kernelSize = 2, ...settings }: ConvTransposeLayerOptions = {},
): Network {
  const kernel = triple(`${name}: kernelSize`, kernelSize, 1)
  const shape = [inputs, outputs / (settings.groups ?? 1), ...kernel]
  const initial = { weight: initialWeight, bias: initialBias }
  const parameters = weightAndBias(name, shape, outputs, random, initial)
  const [weight, bias] = parameters
  const apply = (input: Value) =>
    atLayer(name, () => convTranspose3d(input, weight, bias, { stride: kernel, ...settings }))
  return Object.assign(apply, { parameters })
}
