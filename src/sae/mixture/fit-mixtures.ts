import type { Gpu } from '../../gpu/gpu.js'
import { loadBatch, type TrainingScan } from '../training/batches.js'
import type { EmOptions } from './em-settings.js'
import { ExpectationMaximisation, type EmResult } from './em.js'
import type { FittedMixture } from './gaussian-mixture.js'
import type { Prior } from '../prior/prior.js'

/** A fit as it is done. */
export interface MixtureFit {
  /** Position in the list of scans. */
  readonly index: number
  /** What it was fitted to. */
  readonly scan: TrainingScan
  /** Classes of the reference, if the scan has one. */
  readonly truth: Uint8Array | undefined
  /** Mixture, classes and posterior. */
  readonly result: EmResult
  /** How long it took. */
  readonly seconds: number
}

/**
 * Fits a Gaussian mixture to each scan, which the default recipe learns from.
 *
 * @param options `emOf` gives those of a recipe
 * @param onFit called after each scan; return false to stop
 * @returns one mixture per scan, with components for every class; fewer if stopped
 * @throws UserError as `ExpectationMaximisation.create`
 */
export async function fitMixtures(
  gpu: Gpu,
  scans: readonly TrainingScan[],
  prior: Prior,
  options: EmOptions,
  onFit?: (fit: MixtureFit) => boolean | undefined,
): Promise<FittedMixture[]> {
  const em = await ExpectationMaximisation.create(gpu, prior, options)
  const fitted: FittedMixture[] = []
  try {
    for (const [index, scan] of scans.entries()) {
      const start = performance.now()
      const { data, truths } = await loadBatch([scan])
      const result = await em.run(data)
      fitted.push({ mixture: result.mixture, field: result.field })
      const seconds = (performance.now() - start) / 1000
      if (onFit?.({ index, scan, truth: truths[0], result, seconds }) === false) break
    }
  } finally {
    em.dispose()
  }
  return fitted
}
