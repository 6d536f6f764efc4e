/** The sum of all elements. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { map, scalar, zeros, type NdArray } from './nd-array.js'

/** input of any shape -> [1]. */
export const forward = (input: NdArray): NdArray => scalar(input.data.reduce((sum, x) => sum + x, 0))

/** gradOutput [1]: every element of the input receives it. */
export const backward = (gradOutput: NdArray, input: NdArray): { gradInput: NdArray } => ({
  gradInput: map(zeros(input.shape), () => gradOutput.data[0]!),
})

export const gradientCases: GradientCases = (draw) => {
  const input = draw([2, 3, 3, 1, 5])
  return {
    default: gradientCase(
      { input },
      (v) => forward(v.input),
      (g) => backward(g, input),
    ),
  }
}
