import { Variables } from '../../src/plan/variables.js'
import { readWeights, requireClasses } from '../../src/cli/weights-file.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import type { FittedMixture } from '../../src/sae/gaussian-mixture.js'
import { createModel, loadTensors, type Model } from '../../src/sae/model.js'
import { defaultEm, type EmSettings } from '../../src/sae/em-settings.js'
import type { LabelTable } from '../../src/sae/label-table.js'
import { divided, partCountsOf } from '../../src/sae/parts.js'
import { priorArgmax, type Prior } from '../../src/sae/prior.js'
import { emOf, recipes } from '../../src/sae/recipes.js'
import type { Subject } from './anatomies.js'
import type { Cohort } from './cohort.js'
import { fitEach } from './em.js'
import { learn, segmentAll, type Learnt, type OnStep, type Scoring } from './learn.js'
import { dataFile } from './map-anatomies.js'
import { fittedVariance, runRecipe, unknownVariance, type Starts } from './run-recipe.js'
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

/** Whether a method looks at the prior. */
export function usesPrior({ kind }: MethodDescription): boolean {
  return kind !== 'supervised'
}

/** Whether seeds change what a method does. */
export function usesSeed({ kind }: MethodDescription): boolean {
  return kind === 'sae' || kind === 'supervised' || kind === 'adapt'
}

/** All settings that a method runs with, those that its description leaves to the library included. */
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

/** Runs a method. @throws UserError for settings out of range, or a file that is not there */
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
      const fits = await fitEach(gpu, prior, subjects, emSettings(method))
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
    case 'adapt':
      return runWeights(method, task)
  }
}

function emSettings(method: EmMethod): EmSettings {
  return { ...defaultEm, ...method }
}

async function runSae(method: SaeMethod, task: Task): Promise<Learnt> {
  const { gpu, cohort, prior, seed, starts, onStep } = task
  const recipe = resolveRecipe(recipes[method.recipe], cohort.table, method)
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

/** Segments with the weights of a file, after they were trained on the subjects if that is asked for. */
async function runWeights(method: WeightsMethod | AdaptMethod, task: Task): Promise<Learnt> {
  const { gpu, cohort, seed, onStep } = task
  const { refinement } = method
  const weights = await readWeights(dataFile(method.file))
  requireClasses(weights, task.prior.classes, 'the prior')
  const { parts } = weights.info.architecture
  const prior = parts ? divided(task.prior, parts) : task.prior
  const model = createModel(weights.info.architecture, seed)
  const variables = new Variables(gpu)
  const learner = { model, variables, prior, scans: cohort.subjects, refinement }
  const isWhole = weights.tensors.has('decoder.weight')
  try {
    loadTensors(
      variables,
      isWhole ? model.parameters : model.encoder.parameters,
      weights.tensors,
      weights.source,
    )
    if (method.kind === 'weights') return { ...(await segmentAll(gpu, learner)), log: [] }
    const stage = overridden(recipes[method.recipe].training, method.training)
    const training = settingsFor(stage, cohort.subjects.length, seed)
    if (!training) return { ...(await segmentAll(gpu, learner)), log: [] }
    const variance =
      training.decoderSteps && !isWhole
        ? await fittedVariance(gpu, model, variables, prior, training, cohort.subjects)
        : unknownVariance
    const mixtures =
      training.divergence === 'mixture'
        ? await mixturesOf(gpu, model, task.prior, cohort.subjects)
        : undefined
    return await learn(
      gpu,
      { ...learner, mixtures },
      training,
      variance,
      await scoringOf(method, task),
      onStep,
    )
  } finally {
    variables.dispose()
  }
}

/** A mixture of the channels of a network, fitted to each scan. */
async function mixturesOf(
  gpu: Gpu,
  { architecture }: Model,
  prior: Prior,
  subjects: readonly Subject[],
): Promise<FittedMixture[]> {
  const settings = emOf(recipes.default.mixture, partCountsOf(architecture))
  return fitEach(gpu, prior, subjects, settings)
}
