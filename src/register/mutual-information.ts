import type { Affine } from '../sae/synth/affine.js'
import { compose } from '../sae/synth/affine.js'
import type { PlacedImage } from './image.js'
import { inverse } from './placed.js'
import { levels, type Samples } from './samples.js'

/** Bins that the window of the lowest and of the highest intensity needs besides its own. */
const border = 2
const movingBins = levels + 2 * border

/**
 * Mutual information of points of a fixed volume and a moving image, and its derivatives, after Mattes et al. (IEEE TMI
 * 2003): each point counts for its kind, and for four levels of the moving intensity, weighted by a cubic B-spline. What
 * lies beyond the moving image counts as its background.
 */
export class MutualInformation {
  private readonly joint: Float64Array
  private readonly scores: Float64Array
  /** Of each point: the moving intensity in bins, and its derivative by voxel. */
  private readonly values: Float64Array
  private readonly slopes: Float64Array

  /** @param moving intensities 0..1 */
  constructor(
    private readonly fixed: Samples,
    private readonly moving: PlacedImage,
  ) {
    this.joint = new Float64Array(fixed.bins * movingBins)
    this.scores = new Float64Array(fixed.bins * movingBins)
    this.values = new Float64Array(fixed.kinds.length)
    this.slopes = new Float64Array(3 * fixed.kinds.length)
  }

  /**
   * @param map from the world of the fixed volume to that of the moving image
   * @param gradient receives the derivatives by the 12 entries of `map`, by rows
   * @returns in nats
   */
  evaluate(map: Affine, gradient: Float64Array): number {
    const toVoxel = inverse(this.moving.toWorld)
    this.lookUp(compose(toVoxel, map))
    this.count()
    const information = this.score()
    const byVoxel = this.differentiate()
    for (let r = 0; r < 3; r++) {
      for (let c = 0; c < 4; c++) {
        let sum = 0
        for (const axis of [0, 1, 2] as const) sum += toVoxel[axis][r]! * byVoxel[4 * axis + c]!
        gradient[4 * r + c] = sum
      }
    }
    return information
  }

  /** Moving intensities and their slopes at the points. */
  private lookUp([a, b, c]: Affine): void {
    const { data, shape } = this.moving
    const [D, H, W] = shape
    const { positions } = this.fixed
    const { values, slopes } = this
    const area = H * W
    for (let i = 0, p = 0; i < values.length; i++, p += 3) {
      const [px, py, pz] = [positions[p]!, positions[p + 1]!, positions[p + 2]!]
      const x = a[0] * px + a[1] * py + a[2] * pz + a[3]
      const y = b[0] * px + b[1] * py + b[2] * pz + b[3]
      const z = c[0] * px + c[1] * py + c[2] * pz + c[3]
      const [d, h, w] = [Math.floor(x), Math.floor(y), Math.floor(z)]
      if (d < 0 || h < 0 || w < 0 || d >= D - 1 || h >= H - 1 || w >= W - 1) {
        values[i] = border
        slopes.fill(0, p, p + 3)
        continue
      }
      const [u, v, t] = [x - d, y - h, z - w]
      const at = (d * H + h) * W + w
      const [n000, n001, n010, n011] = [data[at]!, data[at + 1]!, data[at + W]!, data[at + W + 1]!]
      const far = at + area
      const [n100, n101, n110, n111] = [data[far]!, data[far + 1]!, data[far + W]!, data[far + W + 1]!]
      const [e00, e01] = [n000 + t * (n001 - n000), n010 + t * (n011 - n010)]
      const [e10, e11] = [n100 + t * (n101 - n100), n110 + t * (n111 - n110)]
      const [f0, f1] = [e00 + v * (e01 - e00), e10 + v * (e11 - e10)]
      values[i] = border + (levels - 1) * (f0 + u * (f1 - f0))
      slopes[p] = (levels - 1) * (f1 - f0)
      slopes[p + 1] = (levels - 1) * ((1 - u) * (e01 - e00) + u * (e11 - e10))
      slopes[p + 2] =
        (levels - 1) *
        ((1 - u) * ((1 - v) * (n001 - n000) + v * (n011 - n010)) +
          u * ((1 - v) * (n101 - n100) + v * (n111 - n110)))
    }
  }

  private count(): void {
    const { joint, values } = this
    const { kinds } = this.fixed
    joint.fill(0)
    for (let i = 0; i < kinds.length; i++) {
      const value = values[i]!
      const below = Math.floor(value)
      const t = value - below
      const at = kinds[i]! * movingBins + below
      const s = 1 - t
      joint[at - 1]! += (s * s * s) / 6
      joint[at]! += (4 - 6 * t * t + 3 * t * t * t) / 6
      joint[at + 1]! += (4 - 6 * s * s + 3 * s * s * s) / 6
      joint[at + 2]! += (t * t * t) / 6
    }
    for (let k = 0; k < joint.length; k++) joint[k]! /= kinds.length
  }

  /** The information; leaves log(p(f, m) / p(m)) in `scores`, the derivative by each cell of the histogram. */
  private score(): number {
    const { joint, scores } = this
    const [ofFixed, ofMoving] = [new Float64Array(this.fixed.bins), new Float64Array(movingBins)]
    joint.forEach((p, k) => {
      ofFixed[Math.floor(k / movingBins)]! += p
      ofMoving[k % movingBins]! += p
    })
    let information = 0
    joint.forEach((p, k) => {
      if (!(p > 0)) {
        scores[k] = 0
        return
      }
      scores[k] = Math.log(p / ofMoving[k % movingBins]!)
      information += p * (scores[k] - Math.log(ofFixed[Math.floor(k / movingBins)]!))
    })
    return information
  }

  /** Derivatives by the 12 entries of the map from the fixed world to moving voxels. */
  private differentiate(): Float64Array {
    const { scores, values, slopes } = this
    const { kinds, positions } = this.fixed
    const sums = new Float64Array(12)
    for (let i = 0, p = 0; i < kinds.length; i++, p += 3) {
      const [sx, sy, sz] = [slopes[p]!, slopes[p + 1]!, slopes[p + 2]!]
      if (sx === 0 && sy === 0 && sz === 0) continue
      const value = values[i]!
      const below = Math.floor(value)
      const t = value - below
      const at = kinds[i]! * movingBins + below
      const s = 1 - t
      const slope =
        (-s * s * scores[at - 1]! +
          (3 * t * t - 4 * t) * scores[at]! +
          (4 * s - 3 * s * s) * scores[at + 1]! +
          t * t * scores[at + 2]!) /
        2
      for (let axis = 0; axis < 3; axis++) {
        const factor = slope * slopes[p + axis]!
        sums[4 * axis]! += factor * positions[p]!
        sums[4 * axis + 1]! += factor * positions[p + 1]!
        sums[4 * axis + 2]! += factor * positions[p + 2]!
        sums[4 * axis + 3]! += factor
      }
    }
    return sums.map((sum) => sum / kinds.length)
  }
}
