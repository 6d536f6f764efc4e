import { shuffled, seededRandom } from '../../nn/index.js'
import type { FittedMixture } from '../mixture/gaussian-mixture.js'
import { requireFiniteScan } from '../require-finite-scan.js'

/** A scan to learn from, all of them of one shape. */
export interface TrainingScan {
  /** For messages. */
  readonly name: string
  /**
   * Intensities in 0..1, [C, D, H, W], or a function that returns them: it is called at each turn of the scan, while the
   * device works on the previous one.
   */
  readonly data: Float32Array | (() => Promise<Float32Array>)
  /** Classes of a reference segmentation, [D, H, W], or a function: used for scoring, never for learning. */
  readonly truth?: Uint8Array | (() => Promise<Uint8Array>)
  /**
   * The Gaussian mixture that was fitted to the scan, if the network learns from its posterior: for each channel of the
   * prior, [K][M].
   */
  readonly fit?: FittedMixture
}

/** The steps of a pass over scans; the last one takes what is left. */
export const stepsOfEpoch = (scans: number, batchSize: number): number => Math.ceil(scans / batchSize)

/** What a batch holds. */
export interface LoadedBatch {
  /** [N, C, D, H, W] */
  readonly data: Float32Array
  readonly truths: readonly (Uint8Array | undefined)[]
}

/**
 * Reads the scans of a batch, one after the other, because decoding each may take much memory.
 *
 * @throws UserError naming a scan with a NaN or an infinity, which a loss need not show
 * @throws Error if the scans differ in size: in one batch, a smaller one would be followed by zeros
 */
export async function loadBatch(batch: readonly TrainingScan[]): Promise<LoadedBatch> {
  const data: Float32Array[] = []
  const truths: (Uint8Array | undefined)[] = []
  for (const scan of batch) {
    const voxels = typeof scan.data === 'function' ? await scan.data() : scan.data
    requireFiniteScan(scan.name, voxels)
    if (voxels.length !== (data[0] ?? voxels).length)
      throw new Error(
        `${scan.name}: ${voxels.length} numbers, but ${batch[0]!.name} of its batch has ${data[0]!.length}`,
      )
    data.push(voxels)
    truths.push(typeof scan.truth === 'function' ? await scan.truth() : scan.truth)
  }
  return { data: stack(data), truths }
}

/** True if a scan of the batch has a reference. */
export function isScored(batch: readonly TrainingScan[]): boolean {
  return batch.some(({ truth }) => truth !== undefined)
}

/** The sizes of the batches that `scans` scans make, the largest first. */
export function batchSizes(scans: number, batchSize: number): number[] {
  const rest = scans % batchSize
  if (scans < batchSize) return [scans]
  return rest === 0 ? [batchSize] : [batchSize, rest]
}

/**
 * The batches of an epoch: every scan once, in an order that depends only on (seed, epoch), so a resumed run uses the
 * same order. The last batch may be smaller.
 */
export function epochBatches(
  scans: readonly TrainingScan[],
  batchSize: number,
  seed: number,
  epoch: number,
): TrainingScan[][] {
  const order = shuffled(scans.length, seededRandom(Math.imul(seed + 1, 0x9e3779b1) ^ epoch))
  const batches: TrainingScan[][] = []
  for (let at = 0; at < order.length; at += batchSize) {
    batches.push(order.slice(at, at + batchSize).map((i) => scans[i]!))
  }
  return batches
}

/** The scans of a batch side by side, [N, C, D, H, W]. */
export function stack(batch: readonly Float32Array[]): Float32Array {
  if (batch.length === 1) return batch[0]!
  const size = batch[0]!.length
  const stacked = new Float32Array(batch.length * size)
  batch.forEach((data, n) => {
    stacked.set(data, n * size)
  })
  return stacked
}

/** Copies of the same data, one for each element of a batch. */
export function repeat(data: Float32Array, batch: number): Float32Array {
  return stack(Array.from({ length: batch }, () => data))
}
