/** Numbers limited to [min, max]; the gradient passes within, limits included. If min is above max, all become max. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { map, type NdArray } from './nd-array.js'

export const forward = (input: NdArray, min = -Infinity, max = Infinity): NdArray =>
  map(input, (x) => Math.min(Math.max(x, min), max))

export const backward = (
  gradOutput: NdArray,
  input: NdArray,
  min = -Infinity,
  max = Infinity,
): { gradInput: NdArray } => ({
  gradInput: map(gradOutput, (g, i) => (input.data[i]! >= min && input.data[i]! <= max ? g : 0)),
})

export const gradientCases: GradientCases = (draw) => {
  const input = draw([2, 3, 1, 5, 2], -2, 2)
  return {
    'both limits': gradientCase(
      { input },
      (v) => forward(v.input, -0.7, 0.4),
      (g) => backward(g, input, -0.7, 0.4),
    ),
  }
}
