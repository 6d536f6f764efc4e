/** The sum of squared differences, sum (input - target)^2: the reconstruction loss before its weight. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { dot, map, scalar, type NdArray } from './nd-array.js'

/** input and target of one shape -> [1]. */
export function forward(input: NdArray, target: NdArray): NdArray {
  const difference = minus(input, target)
  return scalar(dot(difference, difference))
}

/** gradOutput [1]; gradInput = 2 gradOutput (input - target), gradTarget its negative. */
export function backward(
  gradOutput: NdArray,
  input: NdArray,
  target: NdArray,
): { gradInput: NdArray; gradTarget: NdArray } {
  const gradInput = map(minus(input, target), (difference) => 2 * gradOutput.data[0]! * difference)
  return { gradInput, gradTarget: map(gradInput, (g) => -g) }
}

const minus = (a: NdArray, b: NdArray): NdArray => map(a, (value, i) => value - b.data[i]!)

export const gradientCases: GradientCases = (draw) => {
  const inputs = { input: draw([2, 3, 3, 1, 5]), target: draw([2, 3, 3, 1, 5]) }
  return {
    default: gradientCase(
      inputs,
      (v) => forward(v.input, v.target),
      (g) => backward(g, inputs.input, inputs.target),
    ),
  }
}
