/** Batch normalisation (see `normalise.ts`): a group is the voxels of one channel in all images. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { channelOf, map, zeros, type NdArray } from './nd-array.js'
import * as normalise from './normalise.js'

const groupOf =
  ({ shape }: NdArray): normalise.GroupOf =>
  (offset) =>
    channelOf(shape, offset)

/** In training: input [N, C, ...], weight and bias [C] or null -> [N, C, ...]. */
export const forward = (
  input: NdArray,
  weight: NdArray | null,
  bias: NdArray | null,
  epsilon?: number,
): NdArray => normalise.forward(input, groupOf(input), weight, bias, epsilon)

export const backward = (
  gradOutput: NdArray,
  input: NdArray,
  weight: NdArray | null,
  epsilon?: number,
): normalise.Gradients => normalise.backward(gradOutput, input, groupOf(input), weight, epsilon)

/** Mean and variance of every channel, [C] each. */
export interface Running {
  readonly mean: NdArray
  readonly variance: NdArray
}

/** new = (1 - momentum) old + momentum (what the batch has), the variance being the unbiased one. */
export function updated(running: Running, input: NdArray, momentum: number): Running {
  const { mean, variance, size } = normalise.statistics(input, groupOf(input))
  const towards = (old: NdArray, target: (c: number) => number) =>
    map(old, (value, c) => (1 - momentum) * value + momentum * target(c))
  return {
    mean: towards(running.mean, (c) => mean[c]!),
    variance: towards(running.variance, (c) => (variance[c]! * size[c]!) / (size[c]! - 1)),
  }
}

/** In evaluation: (x - mean) / sqrt(variance + epsilon) weight + bias, mean and variance given. */
export const forwardBy = (
  input: NdArray,
  { mean, variance }: Running,
  weight: NdArray,
  bias: NdArray,
  epsilon = normalise.EPSILON,
): NdArray =>
  map(input, (x, i) => {
    const c = channelOf(input.shape, i)
    const xhat = (x - mean.data[c]!) / Math.sqrt(variance.data[c]! + epsilon)
    return weight.data[c]! * xhat + bias.data[c]!
  })

/** gradInput = gradOutput weight / sqrt(variance + epsilon): the statistics do not depend on the input. */
export function backwardBy(
  gradOutput: NdArray,
  input: NdArray,
  { mean, variance }: Running,
  weight: NdArray,
  epsilon = normalise.EPSILON,
): normalise.Gradients {
  const [gradWeight, gradBias] = [zeros(weight.shape), zeros(weight.shape)]
  const gradInput = map(gradOutput, (g, i) => {
    const c = channelOf(input.shape, i)
    const inverseDeviation = 1 / Math.sqrt(variance.data[c]! + epsilon)
    gradWeight.data[c]! += g * (input.data[i]! - mean.data[c]!) * inverseDeviation
    gradBias.data[c]! += g
    return g * weight.data[c]! * inverseDeviation
  })
  return { gradInput, gradWeight, gradBias }
}

export const gradientCases: GradientCases = (draw) => {
  const inputs = { input: draw([2, 4, 3, 5, 2]), weight: draw([4]), bias: draw([4]) }
  const running = { mean: draw([4]), variance: draw([4], 0.1, 2) }
  return {
    default: gradientCase(
      inputs,
      (v) => forward(v.input, v.weight, v.bias),
      (g) => backward(g, inputs.input, inputs.weight),
    ),
    'by running statistics': gradientCase(
      inputs,
      (v) => forwardBy(v.input, running, v.weight, v.bias),
      (g) => backwardBy(g, inputs.input, running, inputs.weight),
    ),
  }
}
