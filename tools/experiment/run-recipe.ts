import { Variables } from '../../src/plan/variables.js'
import { fitDecoder } from '../../src/cli/train/fit-decoder.js'
import { Terminal } from '../../src/cli/terminal.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import type { TrainingScan } from '../../src/sae/training/batches.js'
import type { FittedMixture } from '../../src/sae/mixture/gaussian-mixture.js'
import { createModel, loadTensors, type Model, type NamedTensor } from '../../src/sae/model.js'
import { dividedByFits, partCounts } from '../../src/sae/prior/parts.js'
import { Pretrainer } from '../../src/sae/training/pretrainer.js'
import type { Prior } from '../../src/sae/prior/prior.js'
import { emOf } from '../../src/sae/recipes.js'
import type { PretrainingSettings, TrainingSettings } from '../../src/sae/settings.js'
import type { Subject } from './anatomies.js'
import { canonical } from './digest.js'
import { fitEach } from './em.js'
import { learn, segmentAll, type Learnt, type OnStep, type Scoring } from './learn.js'
import { settingsFor, type ResolvedRecipe } from './stages.js'
import type { NoiseEstimates } from '../../src/sae/training/trainer.js'
import type { Refinement } from './study.js'

/** The noise before it is estimated. */
export const unknownNoise: NoiseEstimates = { variance: 1e8, errors: [] }

interface RunOptions {
  readonly seed: number
  readonly refinement?: Refinement | undefined
  readonly scoring?: Scoring | undefined
  /** Reuses the start of the previous run, if this one starts the same way. */
  readonly starts?: Starts
  readonly onStep?: OnStep
}

/** Weights after pretraining and fitting the decoder. */
interface Start {
  readonly model: Model
  /** With a channel for each of the model's parts. */
  readonly prior: Prior
  readonly tensors: ReadonlyMap<string, NamedTensor>
  /** Fitted to the scans, if a stage uses them. */
  readonly mixtures: readonly FittedMixture[] | undefined
  readonly noise: NoiseEstimates
  readonly seconds: number
}

/**
 * Runs a recipe from scratch, as sae pretrain, sae train and sae segment would in turn.
 *
 * @returns the trained network's results on its training scans
 */
export async function runRecipe(
  gpu: Gpu,
  recipe: ResolvedRecipe,
  scans: readonly Subject[],
  whole: Prior,
  { seed, refinement, scoring, starts = new Starts(), onStep }: RunOptions,
): Promise<Learnt> {
  const pretraining = settingsFor(recipe.pretraining, scans.length, seed)
  const training = settingsFor(recipe.training, scans.length, seed)
  // Everything that the start depends on; beta, for example, matters only later.
  const { decoderSteps = 0, temperature, batchSize, precision, divergence } = training ?? {}
  const decoderFit = { decoderSteps, temperature, batchSize, precision, divergence }
  const { architecture, mixture } = recipe
  const key = canonical({ architecture, mixture, pretraining, decoderFit, seed })
  const start = await starts.get(whole, scans, key, () =>
    begin(gpu, recipe, scans, whole, pretraining, training, seed, onStep),
  )
  const { model, prior, mixtures } = start
  const variables = new Variables(gpu)
  try {
    loadTensors(variables, model.parameters, start.tensors, 'the start')
    const learner = { model, variables, prior, scans, mixtures, refinement }
    const learnt = training
      ? await learn(gpu, learner, training, start.noise, scoring, onStep)
      : { ...(await segmentAll(gpu, learner)), log: [] }
    return { ...learnt, seconds: start.seconds + learnt.seconds }
  } finally {
    variables.dispose()
  }
}

/** Caches the last start, so that methods that differ only later can share it. */
export class Starts {
  private last:
    | {
        readonly prior: Prior
        readonly scans: readonly Subject[]
        readonly key: string
        readonly start: Start
      }
    | undefined

  async get(
    prior: Prior,
    scans: readonly Subject[],
    key: string,
    make: () => Promise<Start>,
  ): Promise<Start> {
    const { last } = this
    if (last?.prior === prior && last.scans === scans && last.key === key) return last.start
    const start = await make()
    this.last = { prior, scans, key, start }
    return start
  }
}

async function begin(
  gpu: Gpu,
  { architecture, mixture, table }: ResolvedRecipe,
  subjects: readonly Subject[],
  whole: Prior,
  pretraining: PretrainingSettings | undefined,
  training: TrainingSettings | undefined,
  seed: number,
  onStep?: OnStep,
): Promise<Start> {
  const from = performance.now()
  const variables = new Variables(gpu)
  try {
    const scans = subjects.map(({ name, data }) => ({ name, data }))
    const counts = partCounts(table, mixture.parts)
    const mixtures =
      pretraining?.target === 'mixture' || training?.divergence === 'mixture'
        ? await fitEach(gpu, whole, subjects, emOf(mixture, counts))
        : undefined
    const undivided = { architecture, prior: whole, scans }
    const { prior, ...divided } = mixtures ? dividedByFits(undivided, mixtures, counts) : undivided
    const model = createModel(divided.architecture, seed)
    if (pretraining) await pretrain(gpu, model, variables, prior, pretraining, divided.scans, onStep)
    const noise = training?.decoderSteps
      ? await fittedNoise(gpu, model, variables, prior, training, scans)
      : unknownNoise
    const tensors = await variables.readAll(model.parameters)
    return { model, prior, mixtures, tensors, noise, seconds: (performance.now() - from) / 1000 }
  } finally {
    variables.dispose()
  }
}

async function pretrain(
  gpu: Gpu,
  model: Model,
  variables: Variables,
  prior: Prior,
  settings: PretrainingSettings,
  scans: readonly TrainingScan[],
  onStep?: OnStep,
): Promise<void> {
  const pretrainer = new Pretrainer(gpu, model, variables, prior, settings)
  const steps = settings.epochs * Math.ceil(scans.length / settings.batchSize)
  try {
    for await (const { step } of pretrainer.train(scans, { ahead: true }))
      onStep?.('pretraining', step, steps)
  } finally {
    pretrainer.dispose()
  }
}

/** Fits the decoder. Ctrl-C, on which `fitDecoder` would only return early, ends the program as it does elsewhere. */
export async function fittedNoise(
  gpu: Gpu,
  model: Model,
  variables: Variables,
  prior: Prior,
  settings: TrainingSettings,
  scans: readonly TrainingScan[],
): Promise<NoiseEstimates> {
  const start = { model, settings, weights: undefined, progress: undefined }
  const terminal = new Terminal('silent')
  const { noise, exitCode } = await fitDecoder(gpu, start, variables, prior, scans, undefined, terminal)
  if (exitCode !== undefined) process.exit(exitCode)
  return noise
}
