import type { Box } from '../ops/index.js'
import { mrfTable, logMrfTable } from './mrf-table.js'
import { priorArgmax } from './prior.js'
import { onWholeGrid } from './region.js'

/** What is known before seeing a scan: class probabilities at every voxel. */
export interface Prior {
  /** [K, D, H, W], or of the extents of the region. */
  readonly data: Float32Array
  /** K, the number of channels. */
  readonly classes: number
  /** [D, H, W] of scans and segmentations. */
  readonly shape: readonly [number, number, number]
  /** The voxels that `data` holds; the others are background for certain. Default: all (see `cropPrior`). */
  readonly region?: Box | undefined
}

/** log M of SAE.md for a prior: which classes neighbour each other in its argmax, [K, K]. */
export function mrfTableOf(prior: Prior, neighbourhood: number): Float32Array {
  const { data, classes, shape } = prior
  const argmax = onWholeGrid(priorArgmax(data, classes), prior)
  return logMrfTable(mrfTable(argmax, shape, classes, neighbourhood))
}
