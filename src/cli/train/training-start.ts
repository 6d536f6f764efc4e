import type { Variables } from '../../plan/variables.js'
import { UserError } from '../../errors.js'
import { Adam } from '../../optim/index.js'
import { checkTensors, createModel, forChannels, loadTensors, type Model } from '../../sae/model.js'
import type { NoiseMode } from '../../sae/training/noise-level.js'
import type { MrfPotential } from '../../sae/prior/mrf-table.js'
import { recipes } from '../../sae/recipes.js'
import { defaultTraining, type TrainingSettings } from '../../sae/settings.js'
import type { TrainingProgress } from '../../sae/training/trainer.js'
import { channelsOfScans } from '../inputs/channel-files.js'
import { flagOf, lengthOf, withOptions, type LearningOptions } from '../options.js'
import type { Terminal } from '../terminal.js'
import { readWeights, requireChannels, requireClasses, type WeightsFile } from '../inputs/weights-file.js'

export interface TrainOptions extends LearningOptions {
  beta?: number
  k?: number
  potential?: MrfPotential
  tau?: number
  sigma?: NoiseMode
  alpha?: number
  decoderSteps?: number
  freshDecoder?: boolean
  resume?: string
  saveEvery: number
  patience?: number
  validate?: string[]
}

/** Where training starts: from nothing, from weights, or from the end of another run. */
export interface Start {
  readonly model: Model
  readonly settings: TrainingSettings
  readonly weights: WeightsFile | undefined
  /** Where the resumed run stopped. */
  readonly progress: TrainingProgress | undefined
}

/**
 * Reads what --init or --resume name and checks it against the classes of the prior and the channels of the scans.
 *
 * @throws UserError if a file does not fit, or the options contradict each other or the run to resume
 */
export async function readStart(
  options: TrainOptions,
  scans: readonly string[],
  classes: number,
  terminal: Terminal,
): Promise<Start> {
  const { init, resume, freshDecoder = false } = options
  warnOfIdleOptions(options, terminal)
  if (resume !== undefined) return resumedStart(options, scans, resume, classes)
  const settings = settingsOf(options, scans.length)
  if (init === undefined) {
    if (freshDecoder)
      throw new UserError('--fresh-decoder needs --init; without it, all weights are new anyway')
    terminal.warn('without --init, training often collapses into a few classes; run sae pretrain first')
    const plain = recipes[options.recipe].architecture(classes)
    const model = createModel(forChannels(plain, channelsOfScans(scans)), settings.seed)
    return { model, settings, weights: undefined, progress: undefined }
  }
  const weights = await readWeights(init)
  requireClasses(weights, classes, options.prior)
  requireChannels(weights, scans)
  const model = createModel(weights.info.architecture, settings.seed)
  const keepsDecoder = !freshDecoder && weights.tensors.has('decoder.weight')
  const wanted = keepsDecoder ? model.parameters : model.encoder.parameters
  checkTensors(wanted, weights.tensors, weights.source)
  // Only the wanted tensors, so that `loadStart` can load them all.
  const tensors = new Map(wanted.map(({ name }) => [name, weights.tensors.get(name)!] as const))
  return { model, settings, weights: { ...weights, tensors }, progress: undefined }
}

/** Loads the start's tensors into the variables: the weights or, given an optimiser, its moments. */
export function loadStart({ model, weights }: Start, variables: Variables, optimiser?: Adam): void {
  if (!weights) return
  const values = optimiser ? optimiser.state : model.parameters
  const present = values.filter(({ name }) => weights.tensors.has(name))
  loadTensors(variables, present, weights.tensors, weights.source)
}

async function resumedStart(
  options: TrainOptions,
  scans: readonly string[],
  resume: string,
  classes: number,
): Promise<Start> {
  for (const other of ['init', 'freshDecoder'] as const) {
    if (options[other] !== undefined)
      throw new UserError(`--resume takes all weights from ${resume}; drop --init and --fresh-decoder`)
  }
  const weights = await readWeights(resume)
  requireClasses(weights, classes, options.prior)
  requireChannels(weights, scans)
  const { architecture, training } = weights.info
  if (!training) throw new UserError(`${resume}: has no training state to resume; use --init instead`)
  // Checkpoints of older versions lack newer settings.
  const saved = { ...defaultTraining, ...training.settings }
  const settings = { ...saved, ...changedEpochs(options, scans.length, saved, resume) }
  if (training.progress.epoch >= settings.epochs) {
    throw new UserError(
      `${resume}: all ${training.progress.epoch} epochs are done; ask for more with --epochs`,
    )
  }
  const model = createModel(architecture, settings.seed)
  checkTensors([...model.parameters, ...new Adam(model.parameters).state], weights.tensors, resume)
  return { model, settings, weights, progress: training.progress }
}

function settingsOf(options: TrainOptions, scans: number): TrainingSettings {
  const settings = withOptions(recipes[options.recipe].training, options, scans)
  const { beta, k, potential, tau, sigma, alpha, decoderSteps } = options
  return {
    ...settings,
    beta: beta ?? settings.beta,
    neighbourhood: k ?? settings.neighbourhood,
    temperature: tau ?? settings.temperature,
    sigma: sigma ?? settings.sigma,
    alpha: alpha ?? settings.alpha,
    ...(potential ? { potential } : {}),
    ...(decoderSteps === undefined ? {} : { decoderSteps }),
  }
}

/** Which option sets which setting. */
const optionOf = {
  batchSize: 'batchSize',
  learningRate: 'lr',
  weightDecay: 'weightDecay',
  maxNorm: 'clip',
  seed: 'seed',
  precision: 'precision',
  beta: 'beta',
  neighbourhood: 'k',
  potential: 'potential',
  temperature: 'tau',
  sigma: 'sigma',
  alpha: 'alpha',
  decoderSteps: 'decoderSteps',
} as const satisfies Partial<Record<keyof TrainingSettings, keyof TrainOptions>>

function changedEpochs(
  options: TrainOptions,
  scans: number,
  saved: TrainingSettings,
  source: string,
): Partial<TrainingSettings> {
  for (const [setting, option] of Object.entries(optionOf) as [keyof typeof optionOf, keyof TrainOptions][]) {
    const asked = options[option]
    if (asked !== undefined && asked !== saved[setting]) {
      throw new UserError(
        `${flagOf(option)} ${String(asked)} contradicts ${source}, which has ${saved[setting] ?? 'none'}; drop it, or start a new run with --init`,
      )
    }
  }
  const epochs = lengthOf(options, scans, saved.batchSize)
  return epochs === undefined ? {} : { epochs }
}

function warnOfIdleOptions({ recipe, sigma, alpha, beta, k }: TrainOptions, terminal: Terminal): void {
  if (alpha !== undefined && (sigma ?? recipes[recipe].training.settings.sigma) !== 'fixed') {
    terminal.warn('--alpha has no effect while sigma is estimated; give --sigma fixed')
  }
  if (k !== undefined && beta === 0) terminal.warn('--k has no effect with --beta 0')
}
