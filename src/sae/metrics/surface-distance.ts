import { voxelsOf, type SpatialShape } from '../shape.js'
import { squaredDistances } from './distance-transform.js'

/** How far the surfaces of a region in two maps are apart, in millimetres. */
export interface SurfaceDistance {
  /** 95 % Hausdorff distance. */
  readonly hd95: number
  /** Average symmetric surface distance. */
  readonly assd: number
}

/** First and last voxel along each axis. */
interface Bounds {
  readonly low: [number, number, number]
  readonly high: [number, number, number]
}

/**
 * Distances between the surfaces of each class in two maps.
 *
 * - A surface voxel is a voxel of the region that shares a face with one that is not, or with the outside of the volume.
 * - The distance of a surface voxel is that of its centre to the nearest centre of the other surface.
 * - hd95 is as in MONAI (HausdorffDistanceMetric, percentile 95): the larger of two 95th percentiles, one of the distances
 *   from each surface, interpolated linearly as by numpy.percentile.
 * - assd is as in T. Heimann et al., IEEE Transactions on Medical Imaging 28 (2009), p. 1251: the mean of all distances,
 *   those from both surfaces in one set.
 *
 * @param a class per voxel, [D, H, W]
 * @param b the same of another map
 * @param spacing the size of a voxel along D, H and W in millimetres, the axes taken as perpendicular
 * @returns one for each class that is asked for, in that order; undefined if either map lacks it
 * @throws RangeError if a map has another number of voxels than the shape
 */
export function surfaceDistances(
  a: Uint8Array,
  b: Uint8Array,
  shape: SpatialShape,
  spacing: SpatialShape,
  classes: readonly number[],
): (SurfaceDistance | undefined)[] {
  const voxels = voxelsOf(shape)
  if (a.length !== voxels || b.length !== voxels)
    throw new RangeError(`Maps of ${a.length} and ${b.length} voxels; ${shape.join('x')} are expected.`)
  const [ofA, ofB] = [boundsOf(a, shape), boundsOf(b, shape)]
  return classes.map((c) => {
    const [first, second] = [ofA.get(c), ofB.get(c)]
    if (!first || !second) return undefined
    // All voxels of both regions lie in this box, so distances within it are those of the whole volume.
    const box = union(first, second)
    const [inA, inB] = [a, b].map((map) => surfaceOf(map, c, shape, box)) as [Surface, Surface]
    const fromA = distancesAt(inA, squaredDistances(inB.voxels, inB.shape, spacing))
    const fromB = distancesAt(inB, squaredDistances(inA.voxels, inA.shape, spacing))
    const total = sum(fromA) + sum(fromB)
    return {
      hd95: Math.max(percentile(fromA, 0.95), percentile(fromB, 0.95)),
      assd: total / (fromA.length + fromB.length),
    }
  })
}

/** Surface voxels in a box: 1 or 0, [D, H, W] of the box. */
interface Surface {
  readonly voxels: Uint8Array
  readonly shape: SpatialShape
}

function surfaceOf(map: Uint8Array, c: number, [D, H, W]: SpatialShape, { low, high }: Bounds): Surface {
  const shape: SpatialShape = [high[0] - low[0] + 1, high[1] - low[1] + 1, high[2] - low[2] + 1]
  const voxels = new Uint8Array(voxelsOf(shape))
  const plane = H * W
  let at = 0
  for (let d = low[0]; d <= high[0]; d++) {
    for (let h = low[1]; h <= high[1]; h++) {
      for (let w = low[2], i = (d * H + h) * W + w; w <= high[2]; w++, i++, at++) {
        if (map[i] !== c) continue
        const atBorder = d === 0 || h === 0 || w === 0 || d === D - 1 || h === H - 1 || w === W - 1
        const isInside =
          !atBorder &&
          map[i - 1] === c &&
          map[i + 1] === c &&
          map[i - W] === c &&
          map[i + W] === c &&
          map[i - plane] === c &&
          map[i + plane] === c
        if (!isInside) voxels[at] = 1
      }
    }
  }
  return { voxels, shape }
}

/** Distances of surface voxels to the surface that `squared` was made for, ascending. */
function distancesAt({ voxels }: Surface, squared: Float64Array): Float64Array {
  const distances = new Float64Array(voxels.reduce((count, inside) => count + inside, 0))
  let count = 0
  for (let i = 0; i < voxels.length; i++) if (voxels[i] === 1) distances[count++] = Math.sqrt(squared[i]!)
  return distances.sort()
}

/** @param sorted ascending, at least one value @param share 0..1 */
function percentile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1)
  const below = Math.floor(position)
  const low = sorted[below]!
  return low + (position - below) * ((sorted[below + 1] ?? low) - low)
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0)
}

/** The box of each class that a map has. */
function boundsOf(map: Uint8Array, [D, H, W]: SpatialShape): Map<number, Bounds> {
  const bounds = new Map<number, Bounds>()
  for (let d = 0, i = 0; d < D; d++) {
    for (let h = 0; h < H; h++) {
      for (let w = 0; w < W; w++, i++) {
        const c = map[i]!
        // Within a run of one class, only its ends can widen the box.
        if (w > 0 && w < W - 1 && map[i - 1] === c && map[i + 1] === c) continue
        const known = bounds.get(c)
        if (known) widen(known, [d, h, w])
        else bounds.set(c, { low: [d, h, w], high: [d, h, w] })
      }
    }
  }
  return bounds
}

function widen({ low, high }: Bounds, at: readonly [number, number, number]): void {
  for (const axis of [0, 1, 2] as const) {
    if (at[axis] < low[axis]) low[axis] = at[axis]
    if (at[axis] > high[axis]) high[axis] = at[axis]
  }
}

function union(a: Bounds, b: Bounds): Bounds {
  const each = (choose: (x: number, y: number) => number, of: 'low' | 'high'): [number, number, number] => [
    choose(a[of][0], b[of][0]),
    choose(a[of][1], b[of][1]),
    choose(a[of][2], b[of][2]),
  ]
  return { low: each(Math.min, 'low'), high: each(Math.max, 'high') }
}
