/** Rectified linear unit: out = max(x, 0). */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { map, type NdArray } from './nd-array.js'

export const forward = (input: NdArray): NdArray => map(input, (x) => Math.max(x, 0))

/** 0 at 0, as in PyTorch. */
export const backward = (gradOutput: NdArray, input: NdArray): { gradInput: NdArray } => ({
  gradInput: map(gradOutput, (g, i) => (input.data[i]! > 0 ? g : 0)),
})

export const gradientCases: GradientCases = (draw) => {
  // None at the kink.
  const input = map(draw([2, 3, 1, 5, 2]), (x) => x + 0.01 * Math.sign(x))
  return {
    default: gradientCase(
      { input },
      (v) => forward(v.input),
      (g) => backward(g, input),
    ),
  }
}
