import type { Command } from 'commander'
import type { Variables } from '../autograd/variables.js'
import { UserError } from '../errors.js'
import { Adam } from '../optim/index.js'
import { checkTensors, createModel, defaultArchitecture, loadTensors, type Model } from '../sae/model.js'
import { defaultTraining, type TrainingSettings } from '../sae/settings.js'
import type { TrainingProgress } from '../sae/trainer.js'
import { optimiserSettings, type LearningOptions } from './options.js'
import type { Terminal } from './terminal.js'
import { readWeights, requireClasses, type WeightsFile } from './weights-file.js'

export interface TrainOptions extends LearningOptions {
  beta: number
  k: number
  tau: number
  sigma: 'estimated' | 'fixed'
  alpha: number
  freshDecoder?: boolean
  resume?: string
  saveEvery: number
}

/** Where training starts: from nothing, from weights, or from where another run stopped. */
export interface Start {
  readonly model: Model
  readonly settings: TrainingSettings
  readonly weights: WeightsFile | undefined
  /** Where the run that goes on stopped. */
  readonly progress: TrainingProgress | undefined
}

/**
 * Reads what --init or --resume name and checks it against the prior's channels.
 *
 * @throws UserError where a file does not fit, or options contradict each other or the run to go on with
 */
export async function readStart(command: Command, channels: number, terminal: Terminal): Promise<Start> {
  const options = command.optsWithGlobals<TrainOptions>()
  const { init, resume, freshDecoder = false } = options
  warnOfIdleOptions(command, options, terminal)
  if (resume !== undefined) return resumedStart(command, resume, channels)
  const settings = settingsOf(options)
  if (init === undefined) {
    if (freshDecoder) throw new UserError('--fresh-decoder needs --init; without it every weight is fresh')
    terminal.warn('without --init the objective often collapses into few classes; run sae pretrain first')
    const model = createModel(defaultArchitecture(channels), settings.seed)
    return { model, settings, weights: undefined, progress: undefined }
  }
  const weights = await readWeights(init)
  requireClasses(weights, channels, options.prior)
  const model = createModel(weights.info.architecture, settings.seed)
  const keepsDecoder = !freshDecoder && weights.tensors.has('decoder.weight')
  const wanted = keepsDecoder ? model.parameters : model.encoder.parameters
  checkTensors(wanted, weights.tensors, weights.source)
  // Only what is wanted, so that `loadStart` can take all that there is.
  const tensors = new Map(wanted.map(({ name }) => [name, weights.tensors.get(name)!] as const))
  return { model, settings, weights: { ...weights, tensors }, progress: undefined }
}

/** Puts the start's tensors, moments included, where the optimiser works on them. */
export function loadStart({ model, weights }: Start, variables: Variables, optimiser: Adam): void {
  if (!weights) return
  const present = trainedValues(model, optimiser).filter(({ name }) => weights.tensors.has(name))
  loadTensors(variables, present, weights.tensors, weights.source)
}

async function resumedStart(command: Command, resume: string, channels: number): Promise<Start> {
  const options = command.optsWithGlobals<TrainOptions>()
  for (const other of ['init', 'freshDecoder'] as const) {
    if (options[other] !== undefined)
      throw new UserError(`--resume takes all weights from ${resume}; leave out --init and --fresh-decoder`)
  }
  const weights = await readWeights(resume)
  requireClasses(weights, channels, options.prior)
  const { architecture, training } = weights.info
  if (!training)
    throw new UserError(`${resume}: holds no state of training to go on from; start with --init instead`)
  // Checkpoints of older versions lack settings that have come since.
  const saved = { ...defaultTraining, ...training.settings }
  const settings = { ...saved, ...changedEpochs(command, options, saved, resume) }
  if (training.progress.epoch >= settings.epochs) {
    throw new UserError(`${resume}: its ${training.progress.epoch} epochs are done; give more with --epochs`)
  }
  const model = createModel(architecture, settings.seed)
  checkTensors(trainedValues(model, new Adam(model.parameters)), weights.tensors, resume)
  return { model, settings, weights, progress: training.progress }
}

function trainedValues(model: Model, optimiser: Adam) {
  return [...model.parameters, ...optimiser.state]
}

function settingsOf(options: TrainOptions): TrainingSettings {
  const { beta, k, tau, sigma, alpha } = options
  return { ...optimiserSettings(options), beta, neighbourhood: k, temperature: tau, sigma, alpha }
}

/** Which option stands for which setting. */
const optionOf = {
  batchSize: 'batch-size',
  learningRate: 'lr',
  weightDecay: 'weight-decay',
  maxNorm: 'clip',
  seed: 'seed',
  beta: 'beta',
  neighbourhood: 'k',
  temperature: 'tau',
  sigma: 'sigma',
  alpha: 'alpha',
  precision: 'precision',
} as const satisfies Partial<Record<keyof TrainingSettings, string>>

function changedEpochs(
  command: Command,
  options: TrainOptions,
  saved: TrainingSettings,
  source: string,
): Partial<TrainingSettings> {
  const asked = settingsOf(options)
  for (const [setting, option] of Object.entries(optionOf) as [keyof typeof optionOf, string][]) {
    if (isGiven(command, option) && asked[setting] !== saved[setting]) {
      throw new UserError(
        `--${option} ${asked[setting]!} contradicts ${source}, which has ${saved[setting] ?? 'none'}; leave it out, or start anew with --init`,
      )
    }
  }
  return isGiven(command, 'epochs') ? { epochs: asked.epochs } : {}
}

function warnOfIdleOptions(command: Command, { sigma, beta }: TrainOptions, terminal: Terminal): void {
  if (isGiven(command, 'alpha') && sigma === 'estimated') {
    terminal.warn('--alpha has no effect while sigma is estimated; give --sigma fixed')
  }
  if (isGiven(command, 'k') && beta === 0) terminal.warn('--k has no effect with --beta 0')
}

function isGiven(command: Command, option: string): boolean {
  const key = option.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  return command.getOptionValueSource(key) === 'cli'
}
