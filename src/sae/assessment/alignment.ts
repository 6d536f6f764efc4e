import type { Prior } from '../prior/prior.js'
import { sampledShape } from '../separable-filter.js'
import type { SpatialShape } from '../shape.js'
import { foregroundOf } from './foreground.js'
import { everyNth } from './sampling.js'

/** How well the positions of a prior and a scan match. */
export interface Alignment {
  /**
   * Distance of the centroids of the scan's foreground and of the prior's (all classes but the background), in units of
   * the root-mean-square radius of the latter; undefined for an empty scan or prior.
   */
  readonly offset: number | undefined
  /** Radius of the scan's foreground divided by that of the prior's; undefined likewise. */
  readonly spread: number | undefined
  /** The flip or swap of the prior's axes that explains the scan best; undefined if the unchanged prior does. */
  readonly better: Reorientation | undefined
}

/** Another way to read a prior's axes. */
export interface Reorientation {
  /** Which of the prior's axes D, H, W (0, 1, 2) runs along each of the scan's. */
  readonly axes: readonly [number, number, number]
  /** Whether it runs backwards. */
  readonly flipped: readonly [boolean, boolean, boolean]
  /** Unexplained intensity with it, divided by that without it; below 1. */
  readonly error: number
}

/** About this many voxels along the longest axis suffice. */
const sampledSide = 40

/**
 * Compares the positions of a scan and a prior, and tests whether the prior would fit better with its axes flipped or
 * swapped: the unexplained intensity is sum_i sum_c p_i(c) (x_i - mean_c)^2, mean_c the mean weighted by p(c).
 *
 * @param scan intensities, [D, H, W] of the prior's shape
 */
export function alignmentOf(scan: Float32Array, prior: Prior): Alignment {
  const sampled = sample(scan, prior)
  const foreground = foregroundOf(sampled.scan)
  const voxels = sampled.scan.length
  const own = extent(sampled.shape, (i) => foreground[i]!)
  const expected = extent(sampled.shape, (i) => Math.max(0, 1 - sampled.prior[i]!))
  const distance = own && expected && Math.hypot(...own.centre.map((x, axis) => x - expected.centre[axis]!))
  return {
    offset: distance === undefined ? undefined : distance / expected!.radius,
    spread: own && expected && own.radius / expected.radius,
    better: voxels === 0 ? undefined : bestReorientation(sampled),
  }
}

interface Sampled {
  readonly shape: SpatialShape
  readonly scan: Float32Array
  /** [K, D, H, W] */
  readonly prior: Float32Array
  readonly classes: number
}

function sample(scan: Float32Array, { data, classes, shape }: Prior): Sampled {
  const every = Math.max(1, Math.round(Math.max(...shape) / sampledSide))
  return {
    shape: sampledShape(shape, every),
    scan: everyNth(scan, shape, every),
    prior: everyNth(data, shape, every),
    classes,
  }
}

/** Centroid and root-mean-square radius of a weight, in voxels; undefined if the weight is 0 everywhere. */
function extent([D, H, W]: SpatialShape, weight: (i: number) => number) {
  let total = 0
  const sums = [0, 0, 0]
  let squares = 0
  for (let d = 0, i = 0; d < D; d++) {
    for (let h = 0; h < H; h++) {
      for (let w = 0; w < W; w++, i++) {
        const mass = weight(i)
        total += mass
        sums[0]! += mass * d
        sums[1]! += mass * h
        sums[2]! += mass * w
        squares += mass * (d * d + h * h + w * w)
      }
    }
  }
  if (total === 0) return undefined
  const centre = sums.map((sum) => sum / total)
  // A single voxel has a radius too: half of its side.
  const variance = squares / total - centre.reduce((sum, x) => sum + x * x, 0)
  return { centre, radius: Math.sqrt(Math.max(0.25, variance)) }
}

/** The simplest of those with at least nine tenths of the best gain, because the sides of a brain look alike. */
function bestReorientation(sampled: Sampled): Reorientation | undefined {
  const own = unexplained(sampled, [0, 1, 2], [false, false, false])
  const all: Reorientation[] = []
  for (const axes of permutations) {
    if (axes.some((from, axis) => sampled.shape[from] !== sampled.shape[axis])) continue
    for (let bits = 0; bits < 8; bits++) {
      const flipped = [(bits & 4) > 0, (bits & 2) > 0, (bits & 1) > 0] as const
      all.push({ axes, flipped, error: unexplained(sampled, axes, flipped) / own })
    }
  }
  const gain = 1 - all.reduce((least, { error }) => Math.min(least, error), 1)
  if (!(gain > 0)) return undefined
  const changes = ({ axes, flipped }: Reorientation): number =>
    axes.filter((from, axis) => from !== axis).length + flipped.filter((is) => is).length
  return all
    .filter(({ error }) => 1 - error >= 0.9 * gain)
    .reduce((plainest, other) => (changes(other) < changes(plainest) ? other : plainest))
}

const permutations = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const

function unexplained(
  { shape, scan, prior, classes }: Sampled,
  axes: Reorientation['axes'],
  flipped: Reorientation['flipped'],
): number {
  const voxels = scan.length
  const stride = [shape[1] * shape[2], shape[2], 1]
  const steps = axes.map((from, axis) => (flipped[axis] ? -stride[from]! : stride[from]!))
  const start = axes.reduce(
    (sum, from, axis) => (flipped[axis] ? sum + (shape[axis]! - 1) * stride[from]! : sum),
    0,
  )
  const mass = new Float64Array(classes)
  const sums = new Float64Array(classes)
  let squares = 0
  for (let d = 0, i = 0; d < shape[0]; d++) {
    for (let h = 0; h < shape[1]; h++) {
      for (let w = 0; w < shape[2]; w++, i++) {
        const from = start + d * steps[0]! + h * steps[1]! + w * steps[2]!
        const x = scan[i]!
        for (let c = 0, at = from; c < classes; c++, at += voxels) {
          const p = prior[at]!
          if (p === 0) continue
          mass[c]! += p
          sums[c]! += p * x
          squares += p * x * x
        }
      }
    }
  }
  return sums.reduce((rest, sum, c) => (mass[c] === 0 ? rest : rest - (sum * sum) / mass[c]!), squares)
}
