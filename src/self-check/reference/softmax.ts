/**
 * Softmax along an axis, by default over channels, and its logarithm:
 *
 *   softmax(x)_c = exp(x_c - m) / Z,   log softmax(x)_c = x_c - m - log Z,
 *   m = max_c x_c,   Z = sum_c exp(x_c - m)
 *
 * Subtracting the largest value m changes neither; it keeps exp from overflowing.
 */
import { gradientCase, type Draw, type GradientCases } from './gradient-cases.js'
import { forEachVoxel, map, zeros, type NdArray } from './nd-array.js'

/** input [N, C, ...] -> [N, C, ...], positive and summing to 1 along the axis. */
export const softmax = (input: NdArray, axis = 1): NdArray => map(logSoftmax(input, axis), Math.exp)

/** gradInput_c = y_c (g_c - sum_c' g_c' y_c'), y the softmax. */
export function softmaxBackward(gradOutput: NdArray, input: NdArray, axis = 1): { gradInput: NdArray } {
  const y = softmax(input, axis)
  const gradInput = zeros(input.shape)
  forEachVoxel(
    input,
    (channels) => {
      const mean = channels.reduce((sum, c) => sum + gradOutput.data[c]! * y.data[c]!, 0)
      for (const c of channels) gradInput.data[c] = y.data[c]! * (gradOutput.data[c]! - mean)
    },
    axis,
  )
  return { gradInput }
}

/** input [N, C, ...] -> [N, C, ...], at most 0. */
export function logSoftmax(input: NdArray, axis = 1): NdArray {
  const output = zeros(input.shape)
  forEachVoxel(
    input,
    (channels) => {
      const largest = Math.max(...channels.map((c) => input.data[c]!))
      const total = channels.reduce((sum, c) => sum + Math.exp(input.data[c]! - largest), 0)
      for (const c of channels) output.data[c] = input.data[c]! - largest - Math.log(total)
    },
    axis,
  )
  return output
}

/** gradInput_c = g_c - y_c sum_c' g_c', y the softmax. */
export function logSoftmaxBackward(gradOutput: NdArray, input: NdArray, axis = 1): { gradInput: NdArray } {
  const y = softmax(input, axis)
  const gradInput = zeros(input.shape)
  forEachVoxel(
    input,
    (channels) => {
      const total = channels.reduce((sum, c) => sum + gradOutput.data[c]!, 0)
      for (const c of channels) gradInput.data[c] = gradOutput.data[c]! - y.data[c]! * total
    },
    axis,
  )
  return { gradInput }
}

/** A prior that forbids some classes in some voxels, but no class everywhere. */
export const drawPrior = (shape: readonly number[], draw: Draw): NdArray =>
  softmax(map(draw(shape), (value, i) => (i % 5 === 2 ? -40 : value)))

export const gradientCases: GradientCases = (draw) => {
  const input = draw([2, 4, 3, 5, 1], -3, 3)
  return {
    softmax: gradientCase(
      { input },
      (v) => softmax(v.input),
      (g) => softmaxBackward(g, input),
    ),
    'log-softmax': gradientCase(
      { input },
      (v) => logSoftmax(v.input),
      (g) => logSoftmaxBackward(g, input),
    ),
    'softmax along another axis': gradientCase(
      { input },
      (v) => softmax(v.input, 3),
      (g) => softmaxBackward(g, input, 3),
    ),
  }
}
