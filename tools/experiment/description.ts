import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '../../src/errors.js'
import { defaultEm } from '../../src/sae/mixture/em-settings.js'
import { recipes } from '../../src/sae/recipes.js'
import type { Contrast } from '../../src/sae/synth/intensities.js'
import type { MethodDescription, SelectionStudy, Study } from './study.js'

/** The folder of the studies' descriptions. */
export const studiesFolder = fileURLToPath(new URL('../../studies', import.meta.url))

/**
 * Reads a description: a name in studies/, or a path to a .json file.
 *
 * @throws UserError if it is missing, not JSON or inconsistent
 */
export function readDescription(asked: string): { name: string; study: Study | SelectionStudy } {
  const path = asked.endsWith('.json') ? asked : join(studiesFolder, `${asked}.json`)
  if (!existsSync(path)) throw new UserError(`${path}: no such study; studies: ${studyNames().join(', ')}`)
  let study: Study | SelectionStudy
  try {
    study = JSON.parse(readFileSync(path, 'utf8')) as Study | SelectionStudy
  } catch (error) {
    throw new UserError(`${path}: not valid JSON: ${(error as Error).message}`)
  }
  if (!('selectionFrom' in study)) checkStudy(study, path)
  return { name: basename(path, '.json'), study }
}

function studyNames(): string[] {
  return readdirSync(studiesFolder).flatMap((file) =>
    file.endsWith('.json') ? [basename(file, '.json')] : [],
  )
}

/** Checks which keys are present and what they refer to. The library checks the range of numbers. */
function checkStudy(study: Study, source: string): void {
  requireKeys(
    study,
    { all: ['title', 'question', 'anatomies', 'cohorts', 'methods', 'seeds'], some: ['pool', 'pairs'] },
    source,
  )
  if (!Array.isArray(study.seeds) || study.seeds.length === 0)
    throw new UserError(`${source}: give at least one seed`)
  checkAnatomies(study.anatomies, `${source}: anatomies`)
  const contrasts = contrastsOf(study.anatomies, `${source}: anatomies`)
  for (const [name, cohort] of Object.entries(study.cohorts)) {
    const where = `${source}: cohort ${name}`
    requireKeys(cohort, { all: ['subjects', 'priors'], some: ['every', 'seeds', 'training'] }, where)
    if (cohort.subjects.length === 0) throw new UserError(`${where}: has no subjects`)
    if (contrasts.length > 1 && cohort.subjects.some((subject) => typeof subject !== 'string'))
      throw new UserError(
        `${where}: has a scan of its own, which is one channel; the synthetic scans have ${contrasts.length}`,
      )
    const subjects = new Set(
      cohort.subjects.map((subject) => (typeof subject === 'string' ? subject : subject.truth)),
    )
    const apart = (maps: readonly string[], what: string): void => {
      const both = maps.find((map) => subjects.has(map))
      if (both !== undefined)
        throw new UserError(`${where}: ${both} is a subject and in ${what}; keep them apart`)
    }
    for (const [prior, description] of Object.entries(cohort.priors)) {
      requireKeys(description, { all: ['maps', 'blur'], some: ['floor'] }, `${where}, prior ${prior}`)
      if (description.maps.length === 0) throw new UserError(`${where}, prior ${prior}: has no maps`)
      apart(description.maps, `the prior ${prior}`)
    }
    apart(cohort.training ?? [], 'the training of a supervised network')
  }
  for (const [name, method] of Object.entries(study.methods)) {
    checkMethod(method, study, `${source}: method ${name}`)
    if ('contrasts' in method) checkContrasts(method.contrasts, contrasts, `${source}: method ${name}`)
  }
  for (const pair of study.pairs ?? []) for (const side of pair) checkSide(side, study, source)
}

function checkAnatomies(anatomies: Study['anatomies'], where: string): void {
  const keys = anatomyKeys[anatomies.kind] as Keys | undefined
  if (!keys) throw new UserError(`${where}: kind must be one of ${Object.keys(anatomyKeys).join(', ')}`)
  requireKeys(anatomies, keys, where)
}

const anatomyKeys: Readonly<Record<Study['anatomies']['kind'], Keys>> = {
  phantoms: { all: ['kind', 'shape', 'count', 'seed'], some: ['variability', 'noise'] },
  maps: { all: ['kind', 'reference'], some: ['scans'] },
}

/** The contrasts of a study's synthetic scans. */
function contrastsOf(anatomies: Study['anatomies'], where: string): readonly Contrast[] {
  if (anatomies.kind !== 'maps' || !anatomies.scans) return []
  const contrasts = [anatomies.scans.contrast].flat()
  checkContrasts(contrasts, ['t1', 't2', 'random'], where)
  return contrasts
}

/** Checks that at least one contrast is given, each of those known and none twice. */
function checkContrasts(asked: unknown, known: readonly string[], where: string): void {
  if (!Array.isArray(asked) || asked.length === 0)
    throw new UserError(`${where}: "contrasts" must be a list of at least one`)
  const odd: unknown = asked.find((contrast: string) => !known.includes(contrast))
  if (odd !== undefined)
    throw new UserError(
      `${where}: no contrast ${JSON.stringify(odd)}; ${known.length > 0 ? `known are ${known.join(', ')}` : 'the scans have none to choose from'}`,
    )
  if (new Set(asked).size < asked.length) throw new UserError(`${where}: names a contrast twice`)
}

const emKeys = Object.keys(defaultEm)

const methodKeys: Readonly<Record<MethodDescription['kind'], Keys>> = {
  prior: { all: ['kind'] },
  em: { all: ['kind'], some: [...emKeys, 'posterior', 'contrasts'] },
  sae: {
    all: ['kind', 'recipe'],
    some: ['architecture', 'mixture', 'pretraining', 'training', 'refinement', 'score', 'contrasts'],
  },
  supervised: { all: ['kind', 'scans', 'steps'], some: ['learningRate', 'contrasts'] },
  weights: { all: ['kind', 'file'], some: ['refinement'] },
  adapt: { all: ['kind', 'recipe', 'file', 'training'], some: ['posterior', 'refinement', 'score'] },
}

const optimiserKeys = [
  'steps',
  'epochs',
  'batchSize',
  'learningRate',
  'weightDecay',
  'maxNorm',
  'warmUp',
  'decay',
  'precision',
]
const trainingKeys = [
  'beta',
  'neighbours',
  'potential',
  'neighbourhood',
  'temperature',
  'sigma',
  'alpha',
  'divergence',
  'errorFactor',
  'decoderSteps',
]

function checkMethod(method: MethodDescription, { cohorts }: Study, where: string): void {
  const keys = methodKeys[method.kind] as Keys | undefined
  if (!keys) throw new UserError(`${where}: kind must be one of ${Object.keys(methodKeys).join(', ')}`)
  requireKeys(method, keys, where)
  if ('recipe' in method && !(method.recipe in recipes))
    throw new UserError(`${where}: recipe must be one of ${Object.keys(recipes).join(', ')}`)
  const stages = method as {
    architecture?: object
    mixture?: object
    pretraining?: object
    training?: object
    posterior?: object
    refinement?: object
  }
  const optional = (part: object | undefined, some: string[], name: string): void => {
    if (part) requireKeys(part, { all: [], some }, `${where}, ${name}`)
  }
  optional(stages.architecture, ['widths', 'instanceNorm', 'priorLogits'], 'architecture')
  optional(stages.mixture, ['parts', ...emKeys], 'mixture')
  optional(stages.pretraining, [...optimiserKeys, 'target'], 'pretraining')
  optional(stages.training, [...optimiserKeys, ...trainingKeys], 'training')
  if (stages.posterior) requireKeys(stages.posterior, { all: ['file', 'blur'] }, `${where}, posterior`)
  optional(stages.refinement, ['rounds', 'beta', 'potential', 'neighbourhood'], 'refinement')
  if (method.kind === 'supervised')
    for (const [name, { training = [] }] of Object.entries(cohorts))
      if (training.length === 0)
        throw new UserError(`${where}: cohort ${name} names no anatomies in "training"`)
}

function checkSide(side: string, { methods, cohorts }: Study, source: string): void {
  const [method, prior] = side.split('@') as [string, string?]
  if (!(method in methods)) throw new UserError(`${source}: pairs: no method ${method}`)
  const known = Object.values(cohorts).some(({ priors }) => prior === undefined || prior in priors)
  if (!known) throw new UserError(`${source}: pairs: no prior ${prior!}`)
}

interface Keys {
  readonly all: readonly string[]
  readonly some?: readonly string[]
}

function requireKeys(value: object, { all, some = [] }: Keys, where: string): void {
  const missing = all.find((key) => !(key in value))
  if (missing !== undefined) throw new UserError(`${where}: lacks "${missing}"`)
  const odd = Object.keys(value).find((key) => !all.includes(key) && !some.includes(key))
  if (odd !== undefined)
    throw new UserError(`${where}: has no "${odd}"; known are ${[...all, ...some].join(', ')}`)
}
