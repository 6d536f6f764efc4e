import type { Variables } from '../../plan/variables.js'
import type { Gpu } from '../../gpu/gpu.js'
import { stepsOfEpoch, type TrainingScan } from './batches.js'
import { DecoderFitter, type DecoderStep } from './decoder-fitter.js'
import type { Model } from '../model.js'
import { firstVariance } from './noise-level.js'
import type { MemoryOptions } from '../plan-by-batch.js'
import type { Prior } from '../prior/prior.js'
import type { TrainingSettings } from '../settings.js'
import type { NoiseEstimates } from './trainer.js'

/** Bounds and observers of a fit. */
export interface DecoderFitOptions extends MemoryOptions {
  /** Ends the fit after the step in flight. */
  readonly signal?: AbortSignal
  /** Called after each step. */
  readonly onStep?: (step: DecoderStep) => void
}

/** The error of the fit is averaged over this many steps. */
const averaged = 10

/**
 * Fits a new decoder to the encoder's output, for as many steps as the settings say.
 *
 * @returns the mean squared errors over the last steps, in squared units of intensity: the initial variances of training;
 *   those of a run that knows nothing yet if there was no step
 * @throws UserError as `DecoderFitter`
 */
export async function fitDecoder(
  gpu: Gpu,
  model: Model,
  variables: Variables,
  prior: Prior,
  settings: TrainingSettings,
  scans: readonly TrainingScan[],
  { memoryLimit, signal, onStep }: DecoderFitOptions = {},
): Promise<NoiseEstimates> {
  // Scoring would make every step wait for its segmentation, which does not change here.
  const bare = scans.map(({ name, data }) => ({ name, data }))
  const fitter = new DecoderFitter(gpu, model, variables, prior, settings, bare.length, { memoryLimit })
  const errors: number[][] = []
  try {
    for await (const step of fitter.train(bare, { ahead: true, ...(signal ? { signal } : {}) })) {
      errors.push([step.meanSquaredError, ...step.otherChannels.map((channel) => channel.meanSquaredError)])
      onStep?.(step)
    }
  } finally {
    fitter.dispose()
  }
  if (errors.length === 0) return { variance: firstVariance, errors: [] }
  const last = errors.slice(-Math.max(averaged, stepsOfEpoch(bare.length, settings.batchSize)))
  const [first, ...otherChannels] = last[0]!.map((_, c) => ({
    variance: last.reduce((sum, error) => sum + error[c]!, 0) / last.length,
    errors: [],
  }))
  return { ...first!, ...(otherChannels.length > 0 ? { otherChannels } : {}) }
}
