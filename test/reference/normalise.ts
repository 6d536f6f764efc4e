/**
 * What instance, group and batch normalisation share: over the numbers of each group,
 *
 *   xhat = (x - mean) / sqrt(var + epsilon),   out = weight[c] xhat + bias[c]
 *
 * with the biased variance (divided by the size of the group), as in PyTorch. Weight 1 and bias 0 where they are null.
 */
import { channelOf, map, zeros, type NdArray } from './nd-array.js'

export const EPSILON = 1e-5

/** The group of the element at an offset, counted from 0. */
export type GroupOf = (offset: number) => number

export interface Gradients {
  readonly gradInput: NdArray
  readonly gradWeight: NdArray
  readonly gradBias: NdArray
}

/** input [N, C, ...], weight and bias [C] or null -> [N, C, ...]. */
export function forward(
  input: NdArray,
  groupOf: GroupOf,
  weight: NdArray | null,
  bias: NdArray | null,
  epsilon = EPSILON,
): NdArray {
  const { mean, inverseDeviation } = statistics(input, groupOf, epsilon)
  return map(input, (x, i) => {
    const [c, group] = [channelOf(input.shape, i), groupOf(i)]
    return (weight?.data[c] ?? 1) * (x - mean[group]!) * inverseDeviation[group]! + (bias?.data[c] ?? 0)
  })
}

/**
 * gradInput = (g' - mean(g') - xhat mean(g' xhat)) / sqrt(var + epsilon), g' = weight[c] gradOutput, means over the
 * group; gradWeight = sum gradOutput xhat, gradBias = sum gradOutput, over images and voxels.
 */
export function backward(
  gradOutput: NdArray,
  input: NdArray,
  groupOf: GroupOf,
  weight: NdArray | null,
  epsilon = EPSILON,
): Gradients {
  const { mean, inverseDeviation, size } = statistics(input, groupOf, epsilon)
  const normalised = map(input, (x, i) => (x - mean[groupOf(i)]!) * inverseDeviation[groupOf(i)]!)
  const [gradWeight, gradBias] = [zeros([input.shape[1]!]), zeros([input.shape[1]!])]
  const gradNormalised = map(gradOutput, (g, i) => g * (weight?.data[channelOf(input.shape, i)] ?? 1))
  gradOutput.data.forEach((g, i) => {
    const c = channelOf(input.shape, i)
    gradWeight.data[c]! += g * normalised.data[i]!
    gradBias.data[c]! += g
  })

  const [meanGrad, meanProduct] = [new Float64Array(size.length), new Float64Array(size.length)]
  gradNormalised.data.forEach((g, i) => {
    const group = groupOf(i)
    meanGrad[group]! += g / size[group]!
    meanProduct[group]! += (g * normalised.data[i]!) / size[group]!
  })
  const gradInput = map(gradNormalised, (g, i) => {
    const group = groupOf(i)
    return (g - meanGrad[group]! - normalised.data[i]! * meanProduct[group]!) * inverseDeviation[group]!
  })
  return { gradInput, gradWeight, gradBias }
}

/** Of each group: its mean, biased variance, 1 / sqrt(variance + epsilon), and how many numbers it has. */
export function statistics(input: NdArray, groupOf: GroupOf, epsilon = EPSILON) {
  const groups = 1 + input.data.reduce((last, _, i) => Math.max(last, groupOf(i)), 0)
  const [size, mean, variance] = [
    new Float64Array(groups),
    new Float64Array(groups),
    new Float64Array(groups),
  ]
  input.data.forEach((_, i) => size[groupOf(i)]!++)
  input.data.forEach((x, i) => (mean[groupOf(i)]! += x / size[groupOf(i)]!))
  input.data.forEach((x, i) => (variance[groupOf(i)]! += (x - mean[groupOf(i)]!) ** 2 / size[groupOf(i)]!))
  return { size, mean, variance, inverseDeviation: variance.map((v) => 1 / Math.sqrt(v + epsilon)) }
}
