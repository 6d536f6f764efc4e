/** Grids and smooth pictures that tests of resampling share. */
import type { Orientation } from '../../../src/io/orientation.js'
import type { Grid } from '../../../src/io/volume.js'
import type { SpatialShape } from '../../../src/sae/shape.js'
import { diagonal, matrix, multiply, type Matrix3, type Triple } from '../../../src/sae/synth/affine.js'

/** A turn about the three axes, one after the other, in degrees. */
export function turn(degrees: Triple): Matrix3 {
  const about = (axis: 0 | 1 | 2): Matrix3 => {
    const [cos, sin] = [Math.cos, Math.sin].map((f) => f((degrees[axis] * Math.PI) / 180)) as [number, number]
    const [i, j] = [(axis + 1) % 3, (axis + 2) % 3]
    return matrix((row, column) => {
      if (row === axis || column === axis) return row === column ? 1 : 0
      if (row === column) return cos
      return row === i && column === j ? -sin : sin
    })
  }
  return multiply(about(2), multiply(about(1), about(0)))
}

/** A grid of voxels of that size, turned, whose middle lies at `centre` in the world; rounded as headers are. */
export function gridAt(
  shape: SpatialShape,
  spacing: Triple,
  degrees: Triple = [0, 0, 0],
  centre: Triple = [12, -31, 5],
): Grid {
  const m = multiply(turn(degrees), diagonal(spacing))
  const rows = m.map((row, r) => {
    const first = row.reduce((sum, step, axis) => sum - (step * (shape[axis]! - 1)) / 2, centre[r]!)
    return [...row, first].map(Math.fround)
  })
  return { shape: [...shape], affine: [...rows, [0, 0, 0, 1]], known: true }
}

/** Every order of the axes with every choice of directions. */
export const orientations: readonly Orientation[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
].flatMap((axes) =>
  Array.from({ length: 8 }, (_, bits): Orientation => ({
    axes: axes as unknown as Orientation['axes'],
    flips: [(bits & 1) !== 0, (bits & 2) !== 0, (bits & 4) !== 0],
  })),
)

/** The grid rounded as NIfTI stores it. */
export function stored(grid: Grid): Grid {
  return { ...grid, affine: grid.affine.map((row) => row.map(Math.fround)) }
}

/** Where a voxel lies, in millimetres. */
export function placeOf({ affine }: Grid, voxel: readonly number[]): Triple {
  const at = (row: number): number =>
    affine[row]![0]! * voxel[0]! +
    affine[row]![1]! * voxel[1]! +
    affine[row]![2]! * voxel[2]! +
    affine[row]![3]!
  return [at(0), at(1), at(2)]
}

/** A value for each voxel of a grid by where its centre lies in the world. */
export function paint(grid: Grid, value: (place: Triple) => number): Float32Array {
  const [D, H, W] = grid.shape
  const out = new Float32Array(D * H * W)
  let at = 0
  for (let d = 0; d < D; d++)
    for (let h = 0; h < H; h++) for (let w = 0; w < W; w++) out[at++] = value(placeOf(grid, [d, h, w]))
  return out
}

/** A smooth bump. */
export const bump =
  (centre: Triple, radius: number) =>
  (place: Triple): number =>
    Math.exp(-0.5 * place.reduce((sum, x, axis) => sum + ((x - centre[axis]!) / radius) ** 2, 0))

/** Two ellipsoids of labels 1 and 2 that touch. */
export function blobs(place: Triple): number {
  const inside = (centre: Triple, radii: Triple): boolean =>
    place.reduce((sum, x, axis) => sum + ((x - centre[axis]!) / radii[axis]!) ** 2, 0) < 1
  if (inside([6, -31, 5], [8, 10, 9])) return 1
  return inside([18, -29, 5], [6, 9, 8]) ? 2 : 0
}

/** The mean place of what an image holds, in millimetres. */
export function centroid(image: ArrayLike<number>, grid: Grid): Triple {
  const [D, H, W] = grid.shape
  const sum = [0, 0, 0]
  let total = 0
  let at = 0
  for (let d = 0; d < D; d++)
    for (let h = 0; h < H; h++)
      for (let w = 0; w < W; w++, at++) {
        const weight = image[at]!
        placeOf(grid, [d, h, w]).forEach((x, axis) => (sum[axis]! += weight * x))
        total += weight
      }
  return [sum[0]! / total, sum[1]! / total, sum[2]! / total]
}

/** 2 |A and B| / (|A| + |B|) of the voxels with a label. */
export function dice(a: ArrayLike<number>, b: ArrayLike<number>, label: number): number {
  let [both, sum] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    const [inA, inB] = [a[i] === label, b[i] === label]
    if (inA && inB) both++
    sum += Number(inA) + Number(inB)
  }
  return (2 * both) / sum
}
