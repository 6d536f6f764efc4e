// Label maps of other grids come onto that of a run, of a prior or of a reference by `resampleLabels`.
import { voxelsOf, type SpatialShape } from '../shape.js'
import type { Affine } from '../synth/affine.js'
import { exponential } from '../synth/exponential.js'
import { Poll } from './poll.js'
import { isWithin, smoothingFor } from './voxel-map.js'

/**
 * Brings a label map onto another grid: the voxels around a position vote for their labels, with the weights by which
 * `resampleImages` would average them. That is the most probable of all labels if each were resampled as an image of 0 and
 * 1, whatever their number; labels are never averaged. Ties are broken in turn (`Poll`).
 *
 * @param labels [D, H, W] of `shape`
 * @param map takes voxels of the new grid to positions in the map (`voxelMap`)
 * @param to extents of the new grid
 * @param outside the label of voxels outside of the field of view. Default 0
 * @returns [...to]
 * @throws Error if the labels are not of that shape
 */
export function resampleLabels<T extends Uint8Array | Float64Array>(
  labels: T,
  shape: SpatialShape,
  map: Affine,
  to: SpatialShape,
  outside = 0,
): T {
  if (labels.length !== voxelsOf(shape))
    throw new Error(`${labels.length} voxels are not a volume of ${shape.join('x')}`)
  const [D, H, W] = shape
  const [z, y, x] = map
  const sigma = smoothingFor(map)
  const axes = [new Taps(D, sigma[0]), new Taps(H, sigma[1]), new Taps(W, sigma[2])] as const
  const poll = new Poll()
  const out = (
    labels instanceof Uint8Array ? new Uint8Array(voxelsOf(to)) : new Float64Array(voxelsOf(to))
  ) as T
  let at = 0
  for (let d = 0; d < to[0]; d++) {
    for (let h = 0; h < to[1]; h++) {
      for (let w = 0; w < to[2]; w++, at++) {
        const pz = z[0] * d + z[1] * h + z[2] * w + z[3]
        const py = y[0] * d + y[1] * h + y[2] * w + y[3]
        const px = x[0] * d + x[1] * h + x[2] * w + x[3]
        if (!isWithin(pz, D) || !isWithin(py, H) || !isWithin(px, W)) {
          out[at] = outside
          continue
        }
        axes[0].around(pz)
        axes[1].around(py)
        axes[2].around(px)
        poll.clear((d + h + w) % 2 === 0)
        vote(labels, shape, axes, poll)
        out[at] = poll.winner()
      }
    }
  }
  return out
}

function vote(
  labels: Uint8Array | Float64Array,
  [, H, W]: SpatialShape,
  [z, y, x]: readonly [Taps, Taps, Taps],
  poll: Poll,
): void {
  for (let i = 0; i < z.count; i++) {
    for (let j = 0; j < y.count; j++) {
      const weight = z.weights[i]! * y.weights[j]!
      if (weight === 0) continue
      const row = (z.voxels[i]! * H + y.voxels[j]!) * W
      for (let k = 0; k < x.count; k++) poll.add(labels[row + x.voxels[k]!]!, weight * x.weights[k]!)
    }
  }
}

/** The voxels along an axis that a position is a mean of: two, or more if the axis is smoothed. */
class Taps {
  readonly count: number
  readonly voxels: Int32Array
  readonly weights: Float64Array
  private readonly kernel: Float64Array
  private readonly radius: number

  constructor(
    private readonly n: number,
    sigma: number,
  ) {
    this.radius = Math.ceil(3 * sigma)
    const kernel = Float64Array.from({ length: 2 * this.radius + 1 }, (_, t) => {
      const distance = t - this.radius
      return sigma === 0 ? 1 : exponential((-distance * distance) / (2 * sigma * sigma))
    })
    const total = kernel.reduce((sum, weight) => sum + weight, 0)
    this.kernel = kernel.map((weight) => weight / total)
    this.count = kernel.length + 1
    this.voxels = new Int32Array(this.count)
    this.weights = new Float64Array(this.count)
  }

  /** Finds them, and their weights, for a position within the field of view. */
  around(position: number): void {
    const { n, radius, kernel } = this
    const clamped = Math.min(Math.max(position, 0), n - 1)
    const low = Math.floor(clamped)
    const fraction = clamped - low
    for (let t = 0; t < this.count; t++) {
      this.voxels[t] = Math.min(Math.max(low - radius + t, 0), n - 1)
      const [before, after] = [kernel[t] ?? 0, t === 0 ? 0 : kernel[t - 1]!]
      this.weights[t] = (1 - fraction) * before + fraction * after
    }
  }
}
