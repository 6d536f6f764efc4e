import { Variables } from '../../src/plan/variables.js'
import { readWeights, requireClasses } from '../../src/cli/inputs/weights-file.js'
import { UserError } from '../../src/errors.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import type { FittedMixture } from '../../src/sae/mixture/gaussian-mixture.js'
import { channelsOf, createModel, forChannels, loadTensors, type Model } from '../../src/sae/model.js'
import { defaultEm, type EmSettings } from '../../src/sae/mixture/em-settings.js'
import type { LabelTable } from '../../src/sae/labels/label-table.js'
import { divided, partCountsOf } from '../../src/sae/prior/parts.js'
import { priorArgmax, type Prior } from '../../src/sae/prior/prior.js'
import { blurPrior } from '../../src/sae/prior/prior-from-labels.js'
import { emOf, recipes } from '../../src/sae/recipes.js'
import { Segmenter } from '../../src/sae/segmenter.js'
import { channelsOfScan, type Subject } from './anatomies.js'
import type { Cohort } from './cohort.js'
import { fitEach } from './em.js'
import { learn, segmentAll, type Learnt, type NetworkRun, type OnStep, type Scoring } from './learn.js'
import { dataFile } from './map-anatomies.js'
import { fittedNoise, runRecipe, unknownNoise, type Starts } from './run-recipe.js'
import { overridden, resolveRecipe, settingsFor } from './stages.js'
import type { AdaptMethod, EmMethod, MethodDescription, SaeMethod, WeightsMethod } from './study.js'
import { runSupervised } from './supervised.js'

/** One method on one cohort. */
export interface Task {
  readonly gpu: Gpu
  readonly cohort: Cohort
  readonly prior: Prior
  readonly seed: number
  readonly starts: Starts
  readonly onStep: OnStep
}

/** Whether a method uses the prior. */
export function usesPrior({ kind }: MethodDescription): boolean {
  return kind !== 'supervised'
}

/** Whether seeds change what a method does. */
export function usesSeed({ kind }: MethodDescription): boolean {
  return kind === 'sae' || kind === 'supervised' || kind === 'adapt'
}

/** All settings of a method, including the library's defaults. */
export function settingsOf(method: MethodDescription, table: LabelTable): unknown {
  switch (method.kind) {
    case 'em':
      return emSettings(method)
    case 'sae':
      return { ...method, ...resolveRecipe(recipes[method.recipe], table, method) }
    case 'adapt':
      return { ...method, training: overridden(recipes[method.recipe].training, method.training) }
    default:
      return method
  }
}

/** Runs a method. @throws UserError if settings are out of range or a file does not exist */
export async function runMethod(method: MethodDescription, task: Task): Promise<Learnt> {
  const { gpu, cohort, prior, seed, onStep } = task
  const { subjects } = cohort
  switch (method.kind) {
    case 'prior': {
      const classes = priorArgmax(prior.data, prior.classes)
      return { segmentations: subjects.map(() => classes), log: [], seconds: 0 }
    }
    case 'em': {
      const start = performance.now()
      const fits = await fitEach(gpu, await priorFor(method, task), subjects, emSettings(method))
      const segmentations = fits.map(({ classes }) => classes)
      return { segmentations, log: [], seconds: (performance.now() - start) / 1000 }
    }
    case 'sae':
      return runSae(method, task)
    case 'supervised': {
      const training = await cohort.training(method.scans)
      return runSupervised(gpu, method, training, subjects, prior, seed, onStep)
    }
    case 'weights':
      return runWeights(method, task)
    case 'adapt':
      return runWeights(method, { ...task, prior: await priorFor(method, task) })
  }
}

function emSettings(method: EmMethod): EmSettings {
  return { ...defaultEm, ...method }
}

/** The cohort's prior, or the posterior of given weights under it. @throws UserError if there is more than one scan */
async function priorFor({ posterior }: EmMethod | AdaptMethod, task: Task): Promise<Prior> {
  const { gpu, cohort, prior } = task
  if (!posterior) return prior
  const [subject, ...others] = cohort.subjects
  if (!subject || others.length > 0)
    throw new UserError('a prior that is the posterior of a scan serves that scan alone; give one subject')
  const {
    model,
    variables,
    prior: whole,
  } = await openWeights(gpu, posterior.file, prior, channelsOfScan(subject), 0)
  try {
    const segmenter = await Segmenter.create(gpu, model, variables, whole, { posterior: true })
    const { posterior: data } = await segmenter.segment(subject.data)
    segmenter.dispose()
    blurPrior(data!, prior.shape, prior.classes, posterior.blur / cohort.spacing)
    return { data: data!, classes: prior.classes, shape: prior.shape }
  } finally {
    variables.dispose()
  }
}

async function runSae(method: SaeMethod, task: Task): Promise<Learnt> {
  const { gpu, cohort, prior, seed, starts, onStep } = task
  const { architecture, ...rest } = resolveRecipe(recipes[method.recipe], cohort.table, method)
  const recipe = { ...rest, architecture: forChannels(architecture, channelsOfScan(cohort.subjects[0]!)) }
  const scoring = await scoringOf(method, task)
  const { refinement } = method
  return runRecipe(gpu, recipe, cohort.subjects, prior, { seed, refinement, scoring, starts, onStep })
}

async function scoringOf({ score }: SaeMethod | AdaptMethod, task: Task): Promise<Scoring | undefined> {
  if (score === undefined) return undefined
  const { gpu, cohort, prior } = task
  const reference = (await fitEach(gpu, prior, cohort.subjects)).map(({ classes }) => classes)
  return { every: score, table: cohort.table, reference }
}

/** Segments with the weights of a file, after training them on the subjects if the method says so. */
async function runWeights(method: WeightsMethod | AdaptMethod, task: Task): Promise<Learnt> {
  const { gpu, cohort, seed, onStep } = task
  const { refinement } = method
  const channels = channelsOfScan(cohort.subjects[0]!)
  const { model, variables, prior, isWhole } = await openWeights(gpu, method.file, task.prior, channels, seed)
  const learner = { model, variables, prior, scans: cohort.subjects, refinement }
  try {
    if (method.kind === 'weights') return { ...(await segmentAll(gpu, learner)), log: [] }
    const stage = overridden(recipes[method.recipe].training, method.training)
    const training = settingsFor(stage, cohort.subjects.length, seed)
    if (!training) return { ...(await segmentAll(gpu, learner)), log: [] }
    const noise =
      training.decoderSteps && !isWhole
        ? await fittedNoise(gpu, model, variables, prior, training, cohort.subjects)
        : unknownNoise
    const mixtures =
      training.divergence === 'mixture'
        ? await mixturesOf(gpu, model, task.prior, cohort.subjects)
        : undefined
    return await learn(gpu, { ...learner, mixtures }, training, noise, await scoringOf(method, task), onStep)
  } finally {
    variables.dispose()
  }
}

/** A network with the weights of a file, and the prior with the same channels as the network. */
async function openWeights(
  gpu: Gpu,
  file: string,
  whole: Prior,
  channels: number,
  seed: number,
): Promise<Pick<NetworkRun, 'model' | 'variables' | 'prior'> & { readonly isWhole: boolean }> {
  const weights = await readWeights(dataFile(file))
  requireClasses(weights, whole.classes, 'the prior')
  const { architecture } = weights.info
  if (channelsOf(architecture) !== channels)
    throw new UserError(
      `${weights.source}: weights for scans of ${channelsOf(architecture)} channels, but the scans have ${channels}`,
    )
  const model = createModel(architecture, seed)
  const isWhole = weights.tensors.has('decoder.weight')
  const parameters = isWhole ? model.parameters : model.encoder.parameters
  const variables = new Variables(gpu)
  try {
    loadTensors(variables, parameters, weights.tensors, weights.source)
  } catch (error) {
    variables.dispose()
    throw error
  }
  const prior = architecture.parts ? divided(whole, architecture.parts) : whole
  return { model, variables, prior, isWhole }
}

/** A mixture over the channels of a network, fitted to each scan. */
async function mixturesOf(
  gpu: Gpu,
  { architecture }: Model,
  prior: Prior,
  subjects: readonly Subject[],
): Promise<FittedMixture[]> {
  const settings = emOf(recipes.default.mixture, partCountsOf(architecture))
  return fitEach(gpu, prior, subjects, settings)
}
