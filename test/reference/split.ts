/** Parts of an array along an axis: what concatenation joins, which is its gradient. */
import * as concat from './concat.js'
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { zeros, type NdArray } from './nd-array.js'

export function forward(input: NdArray, sizes: readonly number[], axis: number): NdArray[] {
  const parts = sizes.map((size) => zeros(input.shape.map((extent, i) => (i === axis ? size : extent))))
  return concat.backward(input, parts, axis).gradInputs
}

export const backward = (gradOutputs: readonly NdArray[], axis: number): { gradInput: NdArray } => ({
  gradInput: concat.forward(gradOutputs, axis),
})

export const gradientCases: GradientCases = (draw) => {
  const input = draw([2, 5, 3])
  // All parts, joined again in reverse order.
  return {
    default: gradientCase(
      { input },
      (v) => concat.forward(forward(v.input, [2, 3], 1).reverse(), 1),
      (g) => backward(forward(g, [3, 2], 1).reverse(), 1),
    ),
  }
}
