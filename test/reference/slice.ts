/** The positions start, start + step, ... before `end` along every axis; after it, if the step is negative. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { offsetOf, positionsOf } from './indices.js'
import { map, zeros, type NdArray } from './nd-array.js'

/** Positions of one axis, none of which is negative; `end` may be -1 if the step is negative. */
export type Range = readonly [start: number, end: number, step: number]

export function forward(input: NdArray, ranges: readonly Range[]): NdArray {
  const positions = taken(ranges)
  const shape = ranges.map(([start, end, step]) => Math.ceil((end - start) / step))
  return map(zeros(shape), (_, i) => input.data[offsetOf(input.shape, positions[i]!)]!)
}

/** Elements that are not taken have no gradient. */
export function backward(
  gradOutput: NdArray,
  input: NdArray,
  ranges: readonly Range[],
): { gradInput: NdArray } {
  const gradInput = zeros(input.shape)
  taken(ranges).forEach((position, i) => {
    gradInput.data[offsetOf(input.shape, position)]! += gradOutput.data[i]!
  })
  return { gradInput }
}

/** The position in the input of every element of the output. */
function taken(ranges: readonly Range[]): number[][] {
  const shape = ranges.map(([start, end, step]) => Math.ceil((end - start) / step))
  return positionsOf(shape).map((position) =>
    position.map((i, axis) => ranges[axis]![0] + i * ranges[axis]![2]),
  )
}

export const gradientCases: GradientCases = (draw) => {
  const input = draw([4, 5, 6])
  const ranges: Range[] = [
    [1, 3, 1],
    [0, 5, 2],
    [5, -1, -3],
  ]
  return {
    default: gradientCase(
      { input },
      (v) => forward(v.input, ranges),
      (g) => backward(g, input, ranges),
    ),
  }
}
