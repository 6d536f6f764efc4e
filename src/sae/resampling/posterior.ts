import { voxelsOf, type SpatialShape } from '../shape.js'
import type { Affine } from '../synth/affine.js'
import { channelsIn, resampleImage, resampleImages, type Outside } from './image.js'

/** Outside of the field of view, class 0, the background, is certain. */
const certainBackground = (channel: number): Outside => (channel === 0 ? 1 : 0)

/**
 * Brings class probabilities onto another grid, as images.
 *
 * @param posterior [K, D, H, W] of `shape`
 * @param map takes voxels of the new grid to positions in the posterior (`voxelMap`)
 * @param to extents of the new grid
 * @returns [K, ...to]; sums over classes stay what they are, up to rounding
 * @throws Error if the posterior is not of that shape
 */
export function resamplePosterior(
  posterior: Float32Array,
  shape: SpatialShape,
  map: Affine,
  to: SpatialShape,
): Float32Array {
  return resampleImages(posterior, shape, map, to, certainBackground)
}

/**
 * The most probable class of each voxel of another grid: `resamplePosterior`, then the largest channel, of which two exist
 * at a time. The lower class wins a tie.
 *
 * @returns [...to]
 * @throws Error if the posterior is not of that shape
 */
export function mostProbable(
  posterior: Float32Array,
  shape: SpatialShape,
  map: Affine,
  to: SpatialShape,
): Uint8Array {
  const size = voxelsOf(shape)
  const count = channelsIn(posterior, shape)
  const classes = new Uint8Array(voxelsOf(to))
  const best = new Float32Array(classes.length)
  const channel = new Float32Array(classes.length)
  for (let c = 0; c < count; c++) {
    const image = posterior.subarray(c * size, (c + 1) * size)
    resampleImage(image, shape, map, to, certainBackground(c), c === 0 ? best : channel)
    if (c === 0) continue
    for (let i = 0; i < classes.length; i++) {
      if (channel[i]! > best[i]!) {
        best[i] = channel[i]!
        classes[i] = c
      }
    }
  }
  return classes
}
