import type { Variables } from '../plan/variables.js'
import type { Gpu } from '../gpu/gpu.js'
import type { TrainingScan } from '../sae/batches.js'
import { DecoderFitter } from '../sae/decoder-fitter.js'
import type { Prior } from '../sae/prior.js'
import type { NoiseEstimates } from '../sae/trainer.js'
import { Interrupt } from './interrupt.js'
import { Progress } from './progress.js'
import type { Terminal } from './terminal.js'
import type { Start } from './training-start.js'

/** How fitting the decoder ended. */
interface DecoderFit {
  /** Mean squared errors over the last steps: the initial noise levels of training. */
  readonly noise: NoiseEstimates
  /** The exit code if a signal came, else undefined. */
  readonly exitCode: number | undefined
}

/** The error of the fit is averaged over this many steps. */
const averaged = 10

/** Fits a new decoder to the encoder's output, for as many steps as the settings say. */
export async function fitDecoder(
  gpu: Gpu,
  { model, settings }: Start,
  variables: Variables,
  prior: Prior,
  scans: readonly TrainingScan[],
  memoryLimit: number | undefined,
  terminal: Terminal,
): Promise<DecoderFit> {
  // Scoring would make every step wait for its segmentation, which does not change here.
  const bare = scans.map(({ name, data }) => ({ name, data }))
  const fitter = new DecoderFitter(gpu, model, variables, prior, settings, bare.length, { memoryLimit })
  const stepsPerEpoch = Math.ceil(bare.length / settings.batchSize)
  const epochs = Math.ceil(settings.decoderSteps! / stepsPerEpoch)
  const progress = new Progress(terminal, epochs, stepsPerEpoch, 0, { unit: 'decoder epoch', lines: 5 })
  const interrupt = new Interrupt()
  const errors: number[][] = []
  try {
    for await (const { epoch, lastOfEpoch, meanSquaredError, otherChannels } of fitter.train(bare, {
      ahead: true,
      signal: interrupt.signal,
    })) {
      errors.push([meanSquaredError, ...otherChannels.map((channel) => channel.meanSquaredError)])
      progress.update(epoch, lastOfEpoch, { mse: meanSquaredError })
    }
  } finally {
    progress.stop()
    interrupt.release()
    fitter.dispose()
  }
  const last = errors.slice(-Math.max(averaged, stepsPerEpoch))
  const [first, ...otherChannels] = last[0]!.map((_, c) => ({
    variance: last.reduce((sum, error) => sum + error[c]!, 0) / last.length,
    errors: [],
  }))
  return {
    noise: { ...first!, ...(otherChannels.length > 0 ? { otherChannels } : {}) },
    exitCode: interrupt.exitCode,
  }
}
