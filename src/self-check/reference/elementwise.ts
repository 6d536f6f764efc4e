/** Element by element: a + b, and a constant factor times a. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { expectSameShape, map, type NdArray } from './nd-array.js'

/** a + b; both have the same shape. */
export function add(a: NdArray, b: NdArray): NdArray {
  expectSameShape(a, b)
  return map(a, (value, i) => value + b.data[i]!)
}

/** Both terms receive the output's gradient. */
const addBackward = (gradOutput: NdArray): { gradA: NdArray; gradB: NdArray } => ({
  gradA: gradOutput,
  gradB: gradOutput,
})

/** factor times input; the factor is a constant. */
export const scale = (input: NdArray, factor: number): NdArray => map(input, (value) => factor * value)

/** gradInput = factor gradOutput. */
const scaleBackward = (gradOutput: NdArray, factor: number): { gradInput: NdArray } => ({
  gradInput: scale(gradOutput, factor),
})

export const gradientCases: GradientCases = (draw) => {
  const [a, b] = [draw([2, 3, 3, 1, 5]), draw([2, 3, 3, 1, 5])]
  return {
    add: gradientCase({ a, b }, (v) => add(v.a, v.b), addBackward),
    scale: gradientCase(
      { input: a },
      (v) => scale(v.input, -3),
      (g) => scaleBackward(g, -3),
    ),
  }
}
