/** Sine and cosine of radians. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { map, type NdArray } from './nd-array.js'

export type Name = 'sin' | 'cos'

export const forward = (name: Name, input: NdArray): NdArray => map(input, (x) => Math[name](x))

export const backward = (name: Name, gradOutput: NdArray, input: NdArray): { gradInput: NdArray } => ({
  gradInput: map(gradOutput, (g, i) => {
    const x = input.data[i]!
    return name === 'sin' ? g * Math.cos(x) : -g * Math.sin(x)
  }),
})

export const gradientCases: GradientCases = (draw) => {
  const input = draw([2, 3, 1, 5, 2], -7, 7)
  const sample = (name: Name) =>
    gradientCase(
      { input },
      (v) => forward(name, v.input),
      (g) => backward(name, g, input),
    )
  return { sin: sample('sin'), cos: sample('cos') }
}
