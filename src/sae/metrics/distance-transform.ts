import type { SpatialShape } from '../shape.js'

/**
 * Squared Euclidean distance of each voxel to the nearest voxel of a set, exact: P. F. Felzenszwalb and D. P.
 * Huttenlocher, "Distance Transforms of Sampled Functions", Theory of Computing 8 (2012), pp. 415-428. One pass along
 * each axis; each replaces a line by the lower envelope of the parabolas that stand on its values.
 *
 * @param set [D, H, W], not 0 where a voxel is in it
 * @param spacing millimetres from one voxel to the next along D, H and W
 * @returns [D, H, W], in square millimetres; infinite if the set is empty
 */
export function squaredDistances(set: Uint8Array, shape: SpatialShape, spacing: SpatialShape): Float64Array {
  const distances = Float64Array.from(set, (inside) => (inside === 0 ? Infinity : 0))
  const strides = [shape[1] * shape[2], shape[2], 1]
  const envelope = new Envelope(Math.max(...shape))
  for (const axis of [2, 1, 0]) {
    const stride = strides[axis]!
    const length = shape[axis]!
    for (let block = 0; block < distances.length; block += stride * length) {
      for (let first = block; first < block + stride; first++)
        envelope.replace(distances, first, stride, length, spacing[axis]!)
    }
  }
  return distances
}

/** The lower envelope of parabolas over one line, with the room that it needs. */
class Envelope {
  private readonly heights: Float64Array
  /** Where the parabolas of the envelope stand. */
  private readonly feet: Int32Array
  /** From where on each of them is the lowest, in voxels. */
  private readonly starts: Float64Array

  constructor(longest: number) {
    this.heights = new Float64Array(longest)
    this.feet = new Int32Array(longest)
    this.starts = new Float64Array(longest)
  }

  /** Replaces f(x) by the minimum over y of f(y) + (spacing (x - y))^2. */
  replace(values: Float64Array, first: number, stride: number, length: number, spacing: number): void {
    const { heights, feet, starts } = this
    const square = spacing * spacing
    let count = 0
    for (let x = 0, at = first; x < length; x++, at += stride) {
      const height = values[at]!
      heights[x] = height
      if (height === Infinity) continue
      let start = -Infinity
      while (count > 0) {
        const foot = feet[count - 1]!
        // Where the new parabola falls below the last one.
        start = (x + foot) / 2 + (height - heights[foot]!) / (2 * square * (x - foot))
        if (start > starts[count - 1]!) break
        count--
      }
      feet[count] = x
      starts[count] = count === 0 ? -Infinity : start
      count++
    }
    if (count === 0) return
    for (let x = 0, at = first, k = 0; x < length; x++, at += stride) {
      while (k + 1 < count && starts[k + 1]! <= x) k++
      const apart = x - feet[k]!
      values[at] = square * apart * apart + heights[feet[k]!]!
    }
  }
}
