/** Arrays of one shape along a new axis. */
import * as concat from './concat.js'
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { fromArray, type NdArray } from './nd-array.js'

export const forward = (inputs: readonly NdArray[], axis: number): NdArray =>
  concat.forward(
    inputs.map((input) => withAxis(input, axis)),
    axis,
  )

export const backward = (
  gradOutput: NdArray,
  inputs: readonly NdArray[],
  axis: number,
): { gradInputs: NdArray[] } => ({
  gradInputs: concat
    .backward(
      gradOutput,
      inputs.map((input) => withAxis(input, axis)),
      axis,
    )
    .gradInputs.map(({ data }, i) => fromArray(inputs[i]!.shape, data)),
})

const withAxis = ({ shape, data }: NdArray, axis: number): NdArray =>
  fromArray([...shape.slice(0, axis), 1, ...shape.slice(axis)], data)

export const gradientCases: GradientCases = (draw) => {
  const [first, second] = [draw([2, 3]), draw([2, 3])]
  return {
    default: gradientCase(
      { first, second },
      (v) => forward([v.first, v.second], 1),
      (g) => {
        const [gradFirst, gradSecond] = backward(g, [first, second], 1).gradInputs
        return { gradFirst: gradFirst!, gradSecond: gradSecond! }
      },
    ),
  }
}
