import { mrfTable, logMrfTable } from './mrf-table.js'
import { priorArgmax } from './prior.js'

/** What is known before seeing a scan: class probabilities at every voxel. */
export interface Prior {
  /** [K, D, H, W] */
  readonly data: Float32Array
  /** K, the number of channels. */
  readonly classes: number
  /** [D, H, W] */
  readonly shape: readonly [number, number, number]
}

/** log M of SAE.md for a prior: which classes neighbour each other in its argmax, [K, K]. */
export function mrfTableOf({ data, classes, shape }: Prior, neighbourhood: number): Float32Array {
  return logMrfTable(mrfTable(priorArgmax(data, classes), shape, classes, neighbourhood))
}
