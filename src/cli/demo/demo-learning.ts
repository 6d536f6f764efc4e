import { join } from 'node:path'
import type { Gpu } from '../../gpu/gpu.js'
import { Variables } from '../../plan/variables.js'
import type { TrainingScan } from '../../sae/training/batches.js'
import { meanDice } from '../../sae/metrics/dice.js'
import { foregroundClasses } from '../../sae/labels/label-table.js'
import { createModel, loadTensors, type Model, type NamedTensor } from '../../sae/model.js'
import { dividedByFits, partCounts } from '../../sae/prior/parts.js'
import { phantomTable } from '../../sae/phantom/phantom.js'
import { Pretrainer } from '../../sae/training/pretrainer.js'
import type { Prior } from '../../sae/prior/prior.js'
import { emOf, recipes } from '../../sae/recipes.js'
import { Trainer, type NoiseEstimates, type TrainingProgress } from '../../sae/training/trainer.js'
import { CsvLog } from '../tables/csv-log.js'
import type { DemoData } from './demo-data.js'
import { fitDecoder } from '../train/fit-decoder.js'
import { fitMixtures } from '../train/fit-mixtures.js'
import { follow, logColumns } from '../train/learning.js'
import { Progress } from '../progress.js'
import { pretrainingRecording, trainingRecording } from '../train/recordings.js'
import type { Terminal } from '../terminal.js'
import { mean } from '../../sae/mean.js'

/** How long the demo learns, and where its logs go. */
export interface DemoSettings {
  readonly output: string
  readonly seed: number
  /** Passes over the phantoms in pretraining; training takes three quarters as many. */
  readonly epochs: number
}

/** What both trainings start from. */
export interface DemoStart {
  readonly model: Model
  /** With a channel for each part of the model. */
  readonly prior: Prior
  /** With their mixtures. */
  readonly scans: readonly TrainingScan[]
  /** Of the pretrained encoder and of the decoder fitted to it. */
  readonly tensors: ReadonlyMap<string, NamedTensor>
  /** Of the decoder's error. */
  readonly noise: NoiseEstimates
}

const { default: recipe } = recipes

/**
 * Fits mixtures, pretrains the encoder on them and fits the decoder, as the default recipe does.
 *
 * @returns undefined if the user stopped it; the exit code is set then
 */
export async function startDemo(
  gpu: Gpu,
  data: DemoData,
  { output, seed, epochs }: DemoSettings,
  terminal: Terminal,
): Promise<DemoStart | undefined> {
  const counts = partCounts(phantomTable, recipe.mixture.parts)
  const fits = await fitMixtures(
    gpu,
    data.scans,
    data.prior,
    phantomTable,
    emOf(recipe.mixture, counts),
    terminal,
  )
  const whole = { ...data, architecture: recipe.architecture(phantomTable.classes.length) }
  const { architecture, prior, scans } = dividedByFits(whole, fits, counts)
  const model = createModel(architecture, seed)
  const variables = new Variables(gpu)
  const { settings } = recipe.pretraining
  const pretrainer = new Pretrainer(gpu, model, variables, prior, { ...settings, epochs, seed })
  try {
    terminal.status('\nPretraining: the encoder learns to predict the mixture of every phantom')
    const recording = pretrainingRecording(phantomTable)
    const log = await CsvLog.create(join(output, 'pretrain.csv'), logColumns(recording))
    const progress = new Progress(terminal, epochs, scans.length)
    process.exitCode = await follow((run) => pretrainer.train(scans, run), recording, log, progress)
    if (process.exitCode !== undefined) return undefined
    const start = { model, settings: trainingSettings(epochs, seed), weights: undefined, progress: undefined }
    const { noise, exitCode } = await fitDecoder(gpu, start, variables, prior, scans, undefined, terminal)
    process.exitCode = exitCode
    if (exitCode !== undefined) return undefined
    return { model, prior, scans, tensors: await variables.readAll(model.parameters), noise }
  } finally {
    pretrainer.dispose()
    variables.dispose()
  }
}

/** The result of a training: the weights, which the caller disposes of, and the mean Dice at the end of every epoch. */
interface DemoTraining {
  readonly variables: Variables
  readonly dice: readonly number[]
}

/**
 * Trains with a weight of the MRF prior.
 *
 * @returns undefined if the user stopped it; the exit code is set then
 */
export async function trainDemo(
  gpu: Gpu,
  { model, prior, scans, tensors, noise }: DemoStart,
  { name, beta }: { readonly name: string; readonly beta: number },
  { output, seed, epochs }: DemoSettings,
  terminal: Terminal,
): Promise<DemoTraining | undefined> {
  const variables = new Variables(gpu)
  loadTensors(variables, model.parameters, tensors, 'pretraining')
  const settings = { ...trainingSettings(epochs, seed), beta }
  const beginning: TrainingProgress = { epoch: 0, step: 0, ...noise }
  const trainer = new Trainer(gpu, model, variables, prior, settings, beginning)
  const recording = { ...trainingRecording(phantomTable), shown: ['loss', 'mse', 'mean_dice'] }
  const log = await CsvLog.create(join(output, `train-${name}.csv`), logColumns(recording))
  const progress = new Progress(terminal, settings.epochs, scans.length)
  const foreground = foregroundClasses(phantomTable)
  const ofEpochs: number[][] = []
  process.exitCode = await follow(
    (run) => trainer.train(scans, run),
    recording,
    log,
    progress,
    ({ epoch, dice }) => {
      ;(ofEpochs[epoch - 1] ??= []).push(meanDice(dice!, foreground))
      return Promise.resolve(false)
    },
  )
  trainer.dispose()
  if (process.exitCode === undefined) return { variables, dice: ofEpochs.map(mean) }
  variables.dispose()
  return undefined
}

function trainingSettings(epochs: number, seed: number) {
  return { ...recipe.training.settings, epochs: Math.ceil((3 * epochs) / 4), seed }
}
