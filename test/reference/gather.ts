/** Positions along an axis, by their numbers: the indices' axes replace the axis. */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { sizeOf, zeros, type NdArray } from './nd-array.js'

/** Whole numbers below the extent of the axis. */
export interface Indices {
  readonly shape: readonly number[]
  readonly data: ArrayLike<number>
}

export function forward(input: NdArray, indices: Indices, axis: number): NdArray {
  const { shape } = input
  const output = zeros([...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)])
  forEachUse(input, indices, axis, (from, to) => (output.data[to] = input.data[from]!))
  return output
}

/** Every use of an element adds to its gradient. */
export function backward(
  gradOutput: NdArray,
  input: NdArray,
  indices: Indices,
  axis: number,
): { gradInput: NdArray } {
  const gradInput = zeros(input.shape)
  forEachUse(input, indices, axis, (from, to) => (gradInput.data[from]! += gradOutput.data[to]!))
  return { gradInput }
}

function forEachUse(
  { shape }: NdArray,
  { data }: Indices,
  axis: number,
  visit: (from: number, to: number) => void,
): void {
  const [outer, length, inner] = [sizeOf(shape.slice(0, axis)), shape[axis]!, sizeOf(shape.slice(axis + 1))]
  for (let o = 0; o < outer; o++)
    for (let j = 0; j < data.length; j++)
      for (let i = 0; i < inner; i++)
        visit((o * length + data[j]!) * inner + i, (o * data.length + j) * inner + i)
}

export const gradientCases: GradientCases = (draw) => {
  const input = draw([2, 5, 3])
  const indices = { shape: [2, 3], data: [4, 0, 4, 1, 1, 4] }
  return {
    default: gradientCase(
      { input },
      (v) => forward(v.input, indices, 1),
      (g) => backward(g, input, indices, 1),
    ),
  }
}
