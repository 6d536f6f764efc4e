import { normalisePrior } from './prior.js'
import { filterAxis, replicateEdge, type LineFilter } from '../separable-filter.js'
import type { SpatialShape } from '../shape.js'

/**
 * Widens every class of a prior [K, D, H, W], in place: each voxel takes the largest probability that the class has within
 * `radius` voxels along each axis; then the classes are normalised. So a class may lie where no map had it.
 *
 * @param radius in voxels along D, H, W, whole numbers
 */
export function dilatePrior(
  prior: Float32Array,
  shape: SpatialShape,
  K: number,
  radius: SpatialShape,
): Float32Array {
  const voxels = prior.length / K
  for (let c = 0; c < K; c++) {
    const channel = prior.subarray(c * voxels, (c + 1) * voxels)
    for (const axis of [0, 1, 2] as const) {
      const reach = radius[axis]
      if (reach > 0) filterAxis(channel, shape, axis, reach, replicateEdge, largest(reach))
    }
  }
  return normalisePrior(prior, K)
}

function largest(radius: number): LineFilter {
  return (padded, output, stride, count) => {
    for (let k = 0; k < count; k++) {
      let most = padded[k]!
      for (let t = 1, at = k + stride; t <= 2 * radius; t++, at += stride) {
        if (padded[at]! > most) most = padded[at]!
      }
      output[k] = most
    }
  }
}
