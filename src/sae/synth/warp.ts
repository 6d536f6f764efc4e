import { voxelsOf, type SpatialShape } from '../shape.js'

/** Where each voxel of an output volume comes from in a source volume; `Deformation` is one. */
export interface Warp {
  /** Extents of what is read. */
  readonly source: SpatialShape
  /** Extents of the result. */
  readonly output: SpatialShape
  /** Calls `visit` for each row of the output with its first voxel and the positions in the source, which it must not keep. */
  forEachRow(visit: (offset: number, x: Float64Array, y: Float64Array, z: Float64Array) => void): void
}

/**
 * A label map seen through a deformation: the class of the nearest voxel.
 *
 * @param classes on the source grid of the deformation
 * @param outside the class of what lies beyond the source
 * @returns classes on the output grid
 */
export function warpLabels(classes: Uint8Array, deformation: Warp, outside = 0): Uint8Array {
  const [D, H, W] = deformation.source
  const warped = new Uint8Array(voxelsOf(deformation.output))
  deformation.forEachRow((offset, x, y, z) => {
    for (let w = 0; w < x.length; w++) {
      const [d, h, k] = [x[w]! + 0.5, y[w]! + 0.5, z[w]! + 0.5]
      const inside = d >= 0 && d < D && h >= 0 && h < H && k >= 0 && k < W
      warped[offset + w] = inside ? classes[((d | 0) * H + (h | 0)) * W + (k | 0)]! : outside
    }
  })
  return warped
}

/**
 * A scan, or the channels of one, seen through a deformation: trilinear between the eight voxels around.
 *
 * @param values [channels, D, H, W] on the source grid of the deformation
 * @param outside what lies beyond the source, by channel. Default 0
 * @returns [channels, D, H, W] on the output grid
 */
export function warpImage(
  values: Float32Array,
  deformation: Warp,
  outside: readonly number[] = [],
): Float32Array {
  const { source, output } = deformation
  const [from, to, W] = [voxelsOf(source), voxelsOf(output), output[2]]
  const channels = values.length / from
  const warped = new Float32Array(channels * to)
  const [corner, weights] = [new Int32Array(W), new Float64Array(8 * W)]
  deformation.forEachRow((offset, x, y, z) => {
    for (let w = 0; w < W; w++) corner[w] = surround(x[w]!, y[w]!, z[w]!, source, weights, 8 * w)
    for (let c = 0; c < channels; c++) {
      const start = c * from
      const beyond = outside[c] ?? 0
      for (let w = 0; w < W; w++) {
        warped[c * to + offset + w] =
          corner[w]! >= 0
            ? weigh(values, start + corner[w]!, source, weights, 8 * w)
            : weighAtEdge(values, start, x[w]!, y[w]!, z[w]!, source, weights, 8 * w, beyond)
      }
    }
  })
  return warped
}

/**
 * A prior seen through a deformation, trilinear; beyond the source all is background (class 0).
 *
 * @param prior [K, D, H, W] on the source grid of the deformation
 * @returns [K, D, H, W] on the output grid, with the sums of the prior
 */
export function warpPrior(prior: Float32Array, deformation: Warp): Float32Array {
  return warpImage(prior, deformation, [1])
}

/** Writes the weights of the eight voxels around a position; returns the first of them, or -1 if some lie beyond the volume. */
function surround(
  x: number,
  y: number,
  z: number,
  shape: SpatialShape,
  weights: Float64Array,
  at: number,
): number {
  const d = Math.floor(x)
  const h = Math.floor(y)
  const w = Math.floor(z)
  const [td, th, tw] = [x - d, y - h, z - w]
  const [ud, uh, uw] = [1 - td, 1 - th, 1 - tw]
  weights[at] = ud * uh * uw
  weights[at + 1] = ud * uh * tw
  weights[at + 2] = ud * th * uw
  weights[at + 3] = ud * th * tw
  weights[at + 4] = td * uh * uw
  weights[at + 5] = td * uh * tw
  weights[at + 6] = td * th * uw
  weights[at + 7] = td * th * tw
  const inside = d >= 0 && h >= 0 && w >= 0 && d < shape[0] - 1 && h < shape[1] - 1 && w < shape[2] - 1
  return inside ? (d * shape[1] + h) * shape[2] + w : -1
}

function weigh(
  values: Float32Array,
  first: number,
  shape: SpatialShape,
  weights: Float64Array,
  at: number,
): number {
  const W = shape[2]
  const below = first + shape[1] * W
  return (
    weights[at]! * values[first]! +
    weights[at + 1]! * values[first + 1]! +
    weights[at + 2]! * values[first + W]! +
    weights[at + 3]! * values[first + W + 1]! +
    weights[at + 4]! * values[below]! +
    weights[at + 5]! * values[below + 1]! +
    weights[at + 6]! * values[below + W]! +
    weights[at + 7]! * values[below + W + 1]!
  )
}

/** As `weigh`, with `beyond` for each voxel outside the volume. */
function weighAtEdge(
  values: Float32Array,
  start: number,
  x: number,
  y: number,
  z: number,
  [D, H, W]: SpatialShape,
  weights: Float64Array,
  at: number,
  beyond: number,
): number {
  let sum = 0
  for (let corner = 0; corner < 8; corner++) {
    const d = Math.floor(x) + (corner >> 2)
    const h = Math.floor(y) + ((corner >> 1) & 1)
    const w = Math.floor(z) + (corner & 1)
    const inside = d >= 0 && d < D && h >= 0 && h < H && w >= 0 && w < W
    const value = inside ? values[start + (d * H + h) * W + w]! : beyond
    if (weights[at + corner] !== 0) sum += weights[at + corner]! * value
  }
  return sum
}
