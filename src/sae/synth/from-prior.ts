import type { Random } from '../phantom/random.js'
import type { Prior } from '../prior/prior.js'
import type { SpatialShape } from '../shape.js'
import { SplineGrid } from '../spline-field.js'
import { exponential } from './exponential.js'
import { splineNoise } from './noise.js'

/** How label maps are drawn from a prior. */
export interface PriorSamplingOptions {
  /** Strength of the noise: 0 gives the prior's argmax; with 1, classes are about as frequent as the prior says. Default 1. */
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
  /** The class of each voxel that has no rival there. */
  private readonly settled: Uint8Array
  private readonly rows: readonly RowSpans[]

  constructor(
    /** What label maps are drawn from. */
    readonly prior: Prior,
  ) {
    const { data, classes, shape } = prior
    const voxels = data.length / classes
    this.settled = new Uint8Array(voxels)
    for (let c = 0, at = 0; c < classes; c++) {
      for (let i = 0; i < voxels; i++, at++) if (data[at]! > certain) this.settled[i] = c
    }
    this.rows = Array.from({ length: classes }, (_, c) => contestedRows(data, c, shape))
  }

  /** @returns one class per voxel, [D, H, W] */
  draw(random: Random, { strength = 1, correlation = [2, 2, 2] }: PriorSamplingOptions = {}): Uint8Array {
    const { data, classes, shape } = this.prior
    const [D, H, W] = shape
    const voxels = D * H * W
    const labels = this.settled.slice()
    const best = new Float32Array(voxels)
    const noise = new Float64Array(W)
    const grid = SplineGrid.spaced(shape, correlation)
    for (let c = 0; c < classes; c++) {
      // One stream per class, used or not, so that classes do not change each other's noise.
      const field = splineNoise(random.fork(), grid, strength * gumbelDeviation)
      const { first, stop } = this.rows[c]!
      for (let d = 0, row = 0; d < D; d++) {
        for (let h = 0; h < H; h++, row++) {
          const [begin, end] = [first[row]!, stop[row]!]
          if (begin === end) continue
          field.row(d, h, noise, begin, end)
          for (let w = begin, i = row * W + w, at = c * voxels + i; w < end; w++, i++, at++) {
            const p = data[at]!
            if (p < tiny || p > certain) continue
            const score = p * exponential(noise[w]!)
            if (score <= best[i]!) continue
            best[i] = score
            labels[i] = c
          }
        }
      }
    }
    return labels
  }
}

/** A class with at least this probability has no rival. */
const certain = 1 - tiny

/** Of each row (d, h): the first voxel and one beyond the last if a class has rivals; equal if there is none. */
interface RowSpans {
  readonly first: Int32Array
  readonly stop: Int32Array
}

function contestedRows(data: Float32Array, c: number, [D, H, W]: SpatialShape): RowSpans {
  const [first, stop] = [new Int32Array(D * H), new Int32Array(D * H)]
  const contested = (p: number): boolean => p >= tiny && p <= certain
  for (let row = 0, at = c * D * H * W; row < D * H; row++, at += W) {
    let [low, high] = [0, W]
    while (low < W && !contested(data[at + low]!)) low++
    while (high > low && !contested(data[at + high - 1]!)) high--
    first[row] = low
    stop[row] = high
  }
  return { first, stop }
}
