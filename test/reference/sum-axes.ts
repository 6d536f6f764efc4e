/** Sums over some axes of an array. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { origin } from './arithmetic.js'
import { map, zeros, type NdArray } from './nd-array.js'

/** The sum over some axes of an array, which stay with an extent of 1. */
export function forward(input: NdArray, axes: readonly number[]): NdArray {
  const output = zeros(input.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent)))
  input.data.forEach((x, i) => (output.data[origin(output.shape, input.shape, i)]! += x))
  return output
}

/** Every element of the input receives the gradient of its sum. */
export const backward = (gradOutput: NdArray, input: NdArray): { gradInput: NdArray } => ({
  gradInput: map(input, (_, i) => gradOutput.data[origin(gradOutput.shape, input.shape, i)]!),
})

export const gradientCases: GradientCases = (draw) => {
  const input = draw([2, 3, 4, 5])
  return {
    default: gradientCase(
      { input },
      (v) => forward(v.input, [0, 2]),
      (g) => backward(g, input),
    ),
  }
}
