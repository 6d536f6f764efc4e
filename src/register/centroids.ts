import {
  affine,
  apply,
  invert,
  matrix,
  multiply,
  type Affine,
  type Matrix3,
  type Triple,
} from '../sae/synth/affine.js'
import { mapPoint, type PlacedShape } from './placed.js'

/** Where a structure lies in two volumes, and how much that counts. */
export interface CentroidPair {
  readonly from: Triple
  readonly to: Triple
  readonly weight: number
}

/** A structure that a label map has: its centre of mass in the world, and its voxels. */
export interface Centroid {
  readonly centre: Triple
  readonly voxels: number
}

/** The structures of a label map, by code, without the background. @param labels [D, H, W] */
export function centroidsOf(labels: Float64Array, { shape, toWorld }: PlacedShape): Map<number, Centroid> {
  const [, H, W] = shape
  const sums = new Map<number, [voxels: number, d: number, h: number, w: number]>()
  for (let i = 0; i < labels.length; i++) {
    const code = labels[i]!
    if (code === 0) continue
    let sum = sums.get(code)
    if (!sum) sums.set(code, (sum = [0, 0, 0, 0]))
    sum[0]++
    sum[1] += Math.floor(i / (H * W))
    sum[2] += Math.floor(i / W) % H
    sum[3] += i % W
  }
  return new Map(
    Array.from(sums, ([code, [n, d, h, w]]) => [
      code,
      { centre: mapPoint(toWorld, [d / n, h / n, w / n]), voxels: n },
    ]),
  )
}

/** Structures that both maps have, weighted by the size of the smaller. */
export function pairsOf(
  from: ReadonlyMap<number, Centroid>,
  to: ReadonlyMap<number, Centroid>,
): CentroidPair[] {
  return [...from].flatMap(([code, a]) => {
    const b = to.get(code)
    if (!b) return []
    return [{ from: a.centre, to: b.centre, weight: Math.cbrt(Math.min(a.voxels, b.voxels)) }]
  })
}

/** The pull of an affine fit towards the rigid one, as if the structures were spread by this many more millimetres. */
const ridge = 10

/**
 * The affine map that takes structures onto their counterparts, by weighted least squares, drawn towards the rigid one so
 * that few structures do not stretch the brain.
 *
 * @param pairs at least 3
 */
export function fitCentroids(pairs: readonly CentroidPair[]): Affine {
  const total = pairs.reduce((sum, { weight }) => sum + weight, 0)
  const mean = (end: 'from' | 'to', axis: 0 | 1 | 2): number =>
    pairs.reduce((sum, pair) => sum + pair.weight * pair[end][axis], 0) / total
  const [a, b]: [Triple, Triple] = [
    [mean('from', 0), mean('from', 1), mean('from', 2)],
    [mean('to', 0), mean('to', 1), mean('to', 2)],
  ]
  const spread = (first: 'from' | 'to'): Matrix3 => {
    const centre = first === 'from' ? a : b
    return matrix((r, c) =>
      pairs.reduce((sum, pair) => {
        return sum + (pair.weight * (pair[first][r] - centre[r]) * (pair.from[c] - a[c])) / total
      }, 0),
    )
  }
  const [across, own] = [spread('to'), spread('from')]
  const rigid = rotationOf(across)
  const drawn = matrix((r, c) => across[r][c] + ridge ** 2 * rigid[r][c])
  const spreadMore = matrix((r, c) => own[r][c] + (r === c ? ridge ** 2 : 0))
  const linear = multiply(drawn, invert(spreadMore))
  const [x, y, z] = apply(linear, a)
  return affine(linear, [b[0] - x, b[1] - y, b[2] - z])
}

/** The rotation R that maximises trace(R' m), by Horn's quaternion (J. Opt. Soc. Am. A 1987). */
function rotationOf(m: Matrix3): Matrix3 {
  const [[xx, yx, zx], [xy, yy, zy], [xz, yz, zz]] = m
  const rows = [
    [xx + yy + zz, yz - zy, zx - xz, xy - yx],
    [yz - zy, xx - yy - zz, xy + yx, zx + xz],
    [zx - xz, xy + yx, yy - xx - zz, yz + zy],
    [xy - yx, zx + xz, yz + zy, zz - xx - yy],
  ]
  // The eigenvector of the largest eigenvalue by powers; the shift makes all eigenvalues positive.
  const shift = rows.reduce((most, row) => Math.max(most, Math.hypot(...row)), 1e-12) * 2
  let q = [1, 0.01, 0.02, 0.03]
  for (let i = 0; i < 500; i++) {
    const next = q.map((value, r) => shift * value + rows[r]!.reduce((sum, s, c) => sum + s * q[c]!, 0))
    const length = Math.hypot(...next)
    q = next.map((value) => value / length)
  }
  const [w, x, y, z] = q as [number, number, number, number]
  return [
    [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
  ]
}

/** How far the map leaves structures from their counterparts, root mean square in millimetres. */
export function residualOf(pairs: readonly CentroidPair[], map: Affine): number {
  const sum = pairs.reduce((total, { from, to }) => {
    const [x, y, z] = mapPoint(map, from)
    return total + (x - to[0]) ** 2 + (y - to[1]) ** 2 + (z - to[2]) ** 2
  }, 0)
  return Math.sqrt(sum / pairs.length)
}
