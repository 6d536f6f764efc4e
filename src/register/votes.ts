import { Poll } from '../sae/resampling/poll.js'
import type { SpatialShape } from '../sae/shape.js'
import type { Warp } from '../sae/synth/warp.js'

/** Calls `visit` for each of the eight voxels around a position that weighs anything; `at` is -1 beyond the volume. */
function forEachCorner(
  x: number,
  y: number,
  z: number,
  [D, H, W]: SpatialShape,
  visit: (at: number, weight: number) => void,
): void {
  const [d, h, w] = [Math.floor(x), Math.floor(y), Math.floor(z)]
  const [u, v, t] = [x - d, y - h, z - w]
  for (let corner = 0; corner < 8; corner++) {
    const [i, j, k] = [corner >> 2, (corner >> 1) & 1, corner & 1]
    const weight = (i ? u : 1 - u) * (j ? v : 1 - v) * (k ? t : 1 - t)
    if (weight === 0) continue
    const [p, q, r] = [d + i, h + j, w + k]
    const inside = p >= 0 && p < D && q >= 0 && q < H && r >= 0 && r < W
    visit(inside ? (p * H + q) * W + r : -1, weight)
  }
}

/**
 * A label map seen through a warp: the label with the largest share of the eight voxels around, weighted as by
 * trilinear interpolation. Beyond the map lies 0. Ties are broken in turn, as by `resampleLabels`.
 *
 * @param labels on the source grid of the warp, any codes
 * @returns labels on its output grid
 */
export function voteLabels<T extends Uint8Array | Float64Array>(labels: T, warp: Warp): T {
  const [D, H, W] = warp.output
  const size = D * H * W
  const result = (labels instanceof Uint8Array ? new Uint8Array(size) : new Float64Array(size)) as T
  const poll = new Poll()
  const vote = (at: number, weight: number): void => {
    poll.add(at < 0 ? 0 : labels[at]!, weight)
  }
  warp.forEachRow((offset, x, y, z) => {
    const row = offset / W
    for (let w = 0; w < W; w++) {
      poll.clear((Math.trunc(row / H) + (row % H) + w) % 2 === 0)
      forEachCorner(x[w]!, y[w]!, z[w]!, warp.source, vote)
      result[offset + w] = poll.winner()
    }
  })
  return result
}

/**
 * Adds a label map seen through a warp to a prior: each class as 0 or 1, trilinear between voxels. Beyond the map lies
 * class 0.
 *
 * @param classes on the source grid of the warp
 * @param prior [K, D, H, W] on its output grid
 * @param share what a whole map adds
 */
export function addVotes(classes: Uint8Array, warp: Warp, prior: Float32Array, share: number): void {
  const [D, H, W] = warp.output
  const size = D * H * W
  warp.forEachRow((offset, x, y, z) => {
    for (let w = 0; w < x.length; w++) {
      forEachCorner(x[w]!, y[w]!, z[w]!, warp.source, (at, weight) => {
        prior[(at < 0 ? 0 : classes[at]!) * size + offset + w]! += share * weight
      })
    }
  })
}
