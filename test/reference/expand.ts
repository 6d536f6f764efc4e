/** Repeats an array along axes of extent 1, by the rules of broadcasting. */
import { origin } from './arithmetic.js'
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { map, zeros, type NdArray } from './nd-array.js'

export const forward = (input: NdArray, shape: readonly number[]): NdArray =>
  map(zeros(shape), (_, i) => input.data[origin(input.shape, shape, i)]!)

/** Every copy of an element adds to its gradient. */
export function backward(gradOutput: NdArray, input: NdArray): { gradInput: NdArray } {
  const gradInput = zeros(input.shape)
  gradOutput.data.forEach((g, i) => (gradInput.data[origin(input.shape, gradOutput.shape, i)]! += g))
  return { gradInput }
}

export const gradientCases: GradientCases = (draw) => {
  const input = draw([3, 1])
  return {
    default: gradientCase(
      { input },
      (v) => forward(v.input, [2, 3, 4]),
      (g) => backward(g, input),
    ),
  }
}
