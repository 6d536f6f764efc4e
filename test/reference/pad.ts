/** Adds elements before the first and after the last one along every axis. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { offsetOf, positionsOf } from './indices.js'
import { map, zeros, type NdArray } from './nd-array.js'

export type Mode = 'constant' | 'edge' | 'reflect'

/** @param margins of every axis; negative ones crop */
export function forward(
  input: NdArray,
  margins: readonly (readonly [number, number])[],
  mode: Mode = 'constant',
  value = 0,
): NdArray {
  const shape = input.shape.map((extent, axis) => extent + margins[axis]![0] + margins[axis]![1])
  const sources = sourcesOf(input, shape, margins, mode)
  return map(zeros(shape), (_, i) => (sources[i] === undefined ? value : input.data[sources[i]]!))
}

/** Every copy of an element adds to its gradient. */
export function backward(
  gradOutput: NdArray,
  input: NdArray,
  margins: readonly (readonly [number, number])[],
  mode: Mode = 'constant',
): { gradInput: NdArray } {
  const gradInput = zeros(input.shape)
  sourcesOf(input, gradOutput.shape, margins, mode).forEach((source, i) => {
    if (source !== undefined) gradInput.data[source]! += gradOutput.data[i]!
  })
  return { gradInput }
}

/** The offset in the input of every element of the output; undefined if it has none. */
function sourcesOf(
  input: NdArray,
  shape: readonly number[],
  margins: readonly (readonly [number, number])[],
  mode: Mode,
): (number | undefined)[] {
  return positionsOf(shape).map((position) => {
    const source = position.map((at, axis) => {
      const [i, last] = [at - margins[axis]![0], input.shape[axis]! - 1]
      if (mode === 'edge') return Math.min(Math.max(i, 0), last)
      if (mode === 'reflect') return last - Math.abs(last - Math.abs(i))
      return i
    })
    const exists = source.every((i, axis) => i >= 0 && i < input.shape[axis]!)
    return exists ? offsetOf(input.shape, source) : undefined
  })
}

export const gradientCases: GradientCases = (draw) => {
  const input = draw([2, 4, 3])
  const margins = [
    [0, 0],
    [2, 1],
    [1, 2],
  ] as const
  return Object.fromEntries(
    (['constant', 'edge', 'reflect'] as const).map((mode) => [
      mode,
      gradientCase(
        { input },
        (v) => forward(v.input, margins, mode, 3),
        (g) => backward(g, input, margins, mode),
      ),
    ]),
  )
}
