import { UserError } from '../../src/errors.js'
import type { LabelVolume, Volume } from '../../src/io/volume.js'
import type { LabelTable } from '../../src/sae/labels/label-table.js'
import {
  affine,
  apply,
  invert,
  matrix,
  multiply,
  type Affine,
  type Matrix3,
  type Triple,
} from '../../src/sae/synth/affine.js'

/** The mean position, in voxels, of each label of a map, by its code. */
export type Centroids = ReadonlyMap<number, Triple>

/** The centroids of a map's structures, left and right separately. Omits the background and everything unlisted. */
export function centroidsOf(
  { data, grid: { shape } }: Volume | LabelVolume,
  { classes, rest }: LabelTable,
): Centroids {
  const codes = classes.flatMap((entry, c) => (c === 0 || c === rest ? [] : entry.codes))
  const sums = new Map(codes.map((code) => [code, [0, 0, 0, 0] as [number, number, number, number]]))
  const [D, H, W] = shape
  for (let d = 0, i = 0; d < D; d++) {
    for (let h = 0; h < H; h++) {
      for (let w = 0; w < W; w++, i++) {
        const label = data[i]!
        const sum = label === 0 ? undefined : sums.get(label)
        if (!sum) continue
        sum[0] += d
        sum[1] += h
        sum[2] += w
        sum[3]++
      }
    }
  }
  const present = [...sums].filter(([, sum]) => sum[3] > 0)
  return new Map(present.map(([code, [d, h, w, n]]) => [code, [d / n, h / n, w / n]]))
}

/**
 * The affine map that brings the structures of one label map closest to those of another, by least squares of the
 * distances between their centroids, each structure weighted alike.
 *
 * @throws UserError if fewer than six structures are in both
 */
export function alignment(from: Centroids, to: Centroids, source: string): Affine {
  const common = [...from.keys()].filter((code) => to.has(code))
  if (common.length < 6)
    throw new UserError(`${source}: shares ${common.length} structures with the reference; 6 are needed`)
  return fitAffine(
    common.map((code) => from.get(code)!),
    common.map((code) => to.get(code)!),
  )
}

/** The affine map y = M x + t of least squared error over pairs of points. */
export function fitAffine(x: readonly Triple[], y: readonly Triple[]): Affine {
  const [meanX, meanY] = [mean(x), mean(y)]
  const moments = (a: readonly Triple[], meanA: Triple): Matrix3 =>
    matrix((r, c) => a.reduce((sum, point, i) => sum + (point[r] - meanA[r]) * (x[i]![c] - meanX[c]), 0))
  const linear = multiply(moments(y, meanY), invert(moments(x, meanX)))
  const image = apply(linear, meanX)
  return affine(linear, [meanY[0] - image[0], meanY[1] - image[1], meanY[2] - image[2]])
}

function mean(points: readonly Triple[]): Triple {
  const along = (axis: 0 | 1 | 2): number =>
    points.reduce((sum, point) => sum + point[axis], 0) / points.length
  return [along(0), along(1), along(2)]
}
