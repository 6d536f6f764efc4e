/** The same elements in row-major order, with another shape. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { fromArray, type NdArray } from './nd-array.js'

export const forward = (input: NdArray, shape: readonly number[]): NdArray => fromArray(shape, input.data)

export const backward = (gradOutput: NdArray, input: NdArray): { gradInput: NdArray } => ({
  gradInput: fromArray(input.shape, gradOutput.data),
})

export const gradientCases: GradientCases = (draw) => {
  const input = draw([2, 3, 4])
  return {
    default: gradientCase(
      { input },
      (v) => forward(v.input, [6, 1, 4]),
      (g) => backward(g, input),
    ),
  }
}
