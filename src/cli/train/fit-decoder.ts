import type { Variables } from '../../plan/variables.js'
import type { Gpu } from '../../gpu/gpu.js'
import { stepsOfEpoch, type TrainingScan } from '../../sae/training/batches.js'
import { fitDecoder as fitDecoderTo } from '../../sae/training/fit-decoder.js'
import type { Prior } from '../../sae/prior/prior.js'
import type { NoiseEstimates } from '../../sae/training/trainer.js'
import { Interrupt } from '../run/interrupt.js'
import { Progress } from '../progress.js'
import type { Terminal } from '../terminal.js'
import type { Start } from './training-start.js'

/** How fitting the decoder ended. */
interface DecoderFit {
  /** Mean squared errors over the last steps: the initial noise levels of training. */
  readonly noise: NoiseEstimates
  /** The exit code if a signal came, else undefined. */
  readonly exitCode: number | undefined
}

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
  const stepsPerEpoch = stepsOfEpoch(scans.length, settings.batchSize)
  const epochs = Math.ceil(settings.decoderSteps! / stepsPerEpoch)
  const progress = new Progress(terminal, epochs, stepsPerEpoch, 0, { unit: 'decoder epoch', lines: 5 })
  const interrupt = new Interrupt()
  try {
    const noise = await fitDecoderTo(gpu, model, variables, prior, settings, scans, {
      memoryLimit,
      signal: interrupt.signal,
      onStep: ({ epoch, lastOfEpoch, meanSquaredError }) => {
        progress.update(epoch, lastOfEpoch, { mse: meanSquaredError })
      },
    })
    return { noise, exitCode: interrupt.exitCode }
  } finally {
    progress.stop()
    interrupt.release()
  }
}
