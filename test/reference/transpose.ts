/** The axes in another order: axis i of the output is axis axes[i] of the input. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { offsetOf, positionsOf } from './indices.js'
import { zeros, type NdArray } from './nd-array.js'

export function forward(input: NdArray, axes: readonly number[]): NdArray {
  const output = zeros(axes.map((axis) => input.shape[axis]!))
  positionsOf(input.shape).forEach((position, i) => {
    output.data[
      offsetOf(
        output.shape,
        axes.map((axis) => position[axis]!),
      )
    ] = input.data[i]!
  })
  return output
}

/** Back to the order that the input had. */
export const backward = (gradOutput: NdArray, axes: readonly number[]): { gradInput: NdArray } => ({
  gradInput: forward(
    gradOutput,
    axes.map((_, axis) => axes.indexOf(axis)),
  ),
})

export const gradientCases: GradientCases = (draw) => {
  const input = draw([2, 3, 4])
  return {
    default: gradientCase(
      { input },
      (v) => forward(v.input, [2, 0, 1]),
      (g) => backward(g, [2, 0, 1]),
    ),
  }
}
