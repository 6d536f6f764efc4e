/** The largest or smallest number along some axes of an array. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { origin } from './arithmetic.js'
import { map, zeros, type NdArray } from './nd-array.js'
import * as sumAxes from './sum-axes.js'

/** The largest numbers along some axes, which stay with an extent of 1. */
export function forward(input: NdArray, axes: readonly number[]): NdArray {
  const shape = input.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))
  const output = map(zeros(shape), () => -Infinity)
  input.data.forEach((x, i) => {
    const at = origin(shape, input.shape, i)
    output.data[at] = Math.max(output.data[at]!, x)
  })
  return output
}

/** The numbers that are the largest share its gradient equally. */
export function backward(
  gradOutput: NdArray,
  input: NdArray,
  axes: readonly number[],
): { gradInput: NdArray } {
  const largest = forward(input, axes)
  const at = (i: number) => origin(largest.shape, input.shape, i)
  const reached = map(input, (x, i) => Number(x === largest.data[at(i)]))
  const counts = sumAxes.forward(reached, axes)
  return {
    gradInput: map(reached, (reaches, i) => (reaches * gradOutput.data[at(i)]!) / counts.data[at(i)]!),
  }
}

export const gradientCases: GradientCases = (draw) => {
  const input = draw([2, 3, 4, 5])
  return {
    default: gradientCase(
      { input },
      (v) => forward(v.input, [0, 2]),
      (g) => backward(g, input, [0, 2]),
    ),
  }
}
