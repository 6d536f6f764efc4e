/** Positions in arrays, for operations that move elements. */

/** The position, one index per axis, of every element of a shape, in row-major order. */
export function positionsOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (positions, extent) =>
      positions.flatMap((position) => Array.from({ length: extent }, (_, i) => [...position, i])),
    [[]],
  )
}

/** The offset of a position in the data of an array of this shape. */
export const offsetOf = (shape: readonly number[], position: readonly number[]): number =>
  shape.reduce((offset, extent, axis) => offset * extent + position[axis]!, 0)
