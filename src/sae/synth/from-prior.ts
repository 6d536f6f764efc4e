import type { Random } from '../phantom/random.js'
import type { Prior } from '../prior-volume.js'
import type { SpatialShape } from '../separable.js'
import { SplineField, SplineGrid } from '../spline-field.js'
import { exponential } from './exponential.js'

/** How label maps are drawn from a prior. */
export interface PriorSamplingOptions {
  /** Strength of the noise: 0 gives the argmax of the prior; with 1 classes are about as frequent as the prior says. Default 1. */
  readonly strength?: number
  /** Distance over which the noise changes, in voxels along D, H, W. Default 2. */
  readonly correlation?: SpatialShape
}

/** Deviation of the Gumbel noise with which an argmax of logits is a fair draw (pi / sqrt 6); ours is normal. */
const gumbelDeviation = 1.2825498301618641

/** Classes less probable than this at a voxel are not drawn there. */
const tiny = 1e-6

/**
 * Draws label maps from a prior alone, when no sharp map is known: the class of a voxel is
 * argmax_c (log p_c + e_c), e_c an independent smooth field for each class. Boundaries move as far as the prior is
 * unsure of them, and stay smooth; a class is never drawn if the prior rules it out.
 */
export class PriorSampler {
  private readonly rows: readonly RowSpans[]

  constructor(readonly prior: Prior) {
    const { data, classes, shape } = prior
    this.rows = Array.from({ length: classes }, (_, c) => supportRows(data, c, shape))
  }

  /** @returns one class per voxel, [D, H, W] */
  draw(random: Random, { strength = 1, correlation = [2, 2, 2] }: PriorSamplingOptions = {}): Uint8Array {
    const { data, classes, shape } = this.prior
    const [D, H, W] = shape
    const voxels = D * H * W
    const labels = new Uint8Array(voxels)
    const best = new Float64Array(voxels)
    const noise = new Float64Array(W)
    const grid = SplineGrid.spaced(shape, correlation)
    for (let c = 0; c < classes; c++) {
      // One stream a class, used or not: classes do not change each other's noise.
      const field = SplineField.random(random.fork(), grid, strength * gumbelDeviation)
      const { first, stop } = this.rows[c]!
      for (let row = 0; row < D * H; row++) {
        if (first[row]! >= stop[row]!) continue
        field.row(Math.floor(row / H), row % H, noise)
        const offset = row * W
        for (let w = first[row]!; w < stop[row]!; w++) {
          const p = data[c * voxels + offset + w]!
          if (p < tiny) continue
          const score = p > certain ? Infinity : p * exponential(noise[w]!)
          if (score <= best[offset + w]!) continue
          best[offset + w] = score
          labels[offset + w] = c
        }
      }
    }
    return labels
  }
}

/** A class as probable as this has no rival. */
const certain = 1 - tiny

/** Of each row (d, h): the first voxel and one beyond the last that a class may have; equal if there is none. */
interface RowSpans {
  readonly first: Int32Array
  readonly stop: Int32Array
}

function supportRows(data: Float32Array, c: number, [D, H, W]: SpatialShape): RowSpans {
  const [first, stop] = [new Int32Array(D * H), new Int32Array(D * H)]
  for (let row = 0, at = c * D * H * W; row < D * H; row++, at += W) {
    let [low, high] = [0, W]
    while (low < W && data[at + low]! < tiny) low++
    while (high > low && data[at + high - 1]! < tiny) high--
    first[row] = low
    stop[row] = high
  }
  return { first, stop }
}
