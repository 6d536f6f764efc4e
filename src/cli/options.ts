import { InvalidArgumentError, Option, type Command } from 'commander'
import { isNeighbourhood, neighbourhoodRule } from '../ops/shared/neighbourhood.js'
import type { Precision } from '../plan/storage.js'
import { epochsOf, recipes, type RecipeName, type Stage } from '../sae/recipes.js'
import type { OptimiserSettings } from '../sae/settings.js'
import { profileOption } from './profile.js'
import { Terminal } from './terminal.js'

/** Options that every command takes. */
export interface GlobalOptions {
  adapter?: string
  quiet?: boolean
}

export function terminalOf(command: Command): Terminal {
  return new Terminal(command.optsWithGlobals<GlobalOptions>().quiet ? 'quiet' : 'normal')
}

/** Argument parser: a whole number from `least` to `most`. */
export function wholeNumber(least: number, most = 0xffffffff): (text: string) => number {
  return (text) => {
    const value = toNumber(text)
    if (Number.isInteger(value) && value >= least && value <= most) return value
    throw new InvalidArgumentError(
      most === 0xffffffff
        ? `It must be a whole number, ${least} or more.`
        : `It must be a whole number from ${least} to ${most}.`,
    )
  }
}

/** Argument parser: a number of at least 0, or above 0. */
export function realNumber(range: 'positive' | 'not negative'): (text: string) => number {
  return (text) => {
    const value = toNumber(text)
    if (value < Infinity && (range === 'positive' ? value > 0 : value >= 0)) return value
    throw new InvalidArgumentError(
      `It must be a number ${range === 'positive' ? 'above 0' : 'of at least 0'}.`,
    )
  }
}

/** Argument parser: the edge length of the MRF's neighbourhood. */
export function neighbourhood(text: string): number {
  const value = toNumber(text)
  if (isNeighbourhood(value)) return value
  throw new InvalidArgumentError(`It must be ${neighbourhoodRule}.`)
}

/** Argument parser: a size in bytes, such as 1.2GB or 800 MiB. */
function byteSize(text: string): number {
  const [, number, prefix, binary] = /^\s*(\d+(?:\.\d+)?)\s*([kMGT])(i?)B\s*$/i.exec(text) ?? []
  const power = 1 + 'kmgt'.indexOf((prefix ?? '').toLowerCase())
  const size = Number(number) * (binary ? 1024 : 1000) ** power
  if (size > 0) return Math.floor(size)
  throw new InvalidArgumentError('It must be a size such as 1.2GB, 800MB or 1GiB.')
}

function toNumber(text: string): number {
  return text.trim() === '' ? NaN : Number(text)
}

export const priorOption = (): Option =>
  new Option(
    '--prior <file>',
    'prior on the grid of the scans, one channel per class (made with sae prior)',
  ).makeOptionMandatory()

export const overwriteOption = (): Option =>
  new Option('--overwrite', 'replace what sae wrote there before; never an input, nor what else is there')

/** How an option is written. */
export const flagOf = (option: string): string =>
  `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

export const folderOption = (): Option =>
  new Option('-o, --output <folder>', 'output folder, created if missing').makeOptionMandatory()

export const byIndexOption = (): Option =>
  new Option(
    '--match-by-index',
    'pair voxels by their indices even if the headers place the files apart or turn their axes; shapes must agree',
  ).default(false)

export const volumeOption = (): Option =>
  new Option(
    '--volume <n>',
    'of scans and label maps with several volumes (4-D), read this one, counted from 0 as in FSL and nibabel; files with one volume are read as they are',
  ).argParser(wholeNumber(0))

/** @param results what becomes of the results */
export const resampleOption = (results = ''): Option =>
  new Option(
    '--resample',
    `bring files onto the grid of the prior by the affines of their headers, whatever their voxels; --every counts the prior's voxels${results}`,
  ).conflicts('matchByIndex')

export const classesOption = (): Option =>
  new Option(
    '--classes <table>',
    'what the labels mean: "freesurfer" (14 classes), your own table (.json, .tsv, BIDS too; colour tables .txt, .lut, .xml), or a number K if the labels are classes 0..K-1 (default: the table stored with the prior, the weights or the label map, else freesurfer)',
  )

/** @param wanted the limit that the command uses by default, if it can */
export const memoryOption = (wanted: string): Option =>
  new Option(
    '--memory-limit <size>',
    `maximum device memory, such as 1.2GB; to stay within it, large volumes are computed slab by slab, and a smaller limit takes longer (default: ${wanted}, or the minimum needed if that is more)`,
  ).argParser(byteSize)

export const precisionOption = (): Option =>
  new Option(
    '--precision <format>',
    'how intermediate volumes are stored: f16 takes a third to a half less memory, is accurate to about three digits and needs an adapter that supports it (default: f32)',
  ).choices(['f32', 'f16'])

/** Options of `sae pretrain` and `sae train`. Those left out follow the recipe. */
export interface LearningOptions extends GlobalOptions {
  recipe: RecipeName
  prior: string
  output: string
  overwrite?: boolean
  init?: string
  labels?: string[]
  classes?: string
  matchByIndex: boolean
  volume?: number
  resample?: boolean
  every: number
  steps?: number
  epochs?: number
  batchSize?: number
  lr?: number
  weightDecay?: number
  clip?: number
  seed?: number
  memoryLimit?: number
  precision?: Precision
  profile?: boolean
}

/** @param part of a recipe that the command runs */
export function addLearningOptions(command: Command, part: 'pretraining' | 'training'): Command {
  const option = (flags: string, description: string, parse: (text: string) => number, value?: number) =>
    new Option(flags, description).argParser(parse).default(value)
  const ours = recipes.default[part]
  const { settings: paper } = recipes.paper[part]
  return command
    .addOption(priorOption())
    .addOption(folderOption())
    .addOption(overwriteOption())
    .addOption(
      new Option(
        '--recipe <name>',
        'default: works with few scans and a rough prior; paper: the published procedure. The options below override it',
      )
        .choices(Object.keys(recipes))
        .default('default'),
    )
    .option(
      '--labels <files...>',
      'reference label maps, in the order of the scans: used for scoring, never for learning',
    )
    .addOption(classesOption())
    .addOption(byIndexOption())
    .addOption(volumeOption())
    .addOption(resampleOption())
    .addOption(
      option(
        '--every <n>',
        'use every n-th voxel of the scans and labels along each axis (and of the prior, if it has their full size)',
        wholeNumber(1),
        1,
      ),
    )
    .addOption(
      option(
        '--steps <n>',
        `total number of steps, rounded up to whole passes over the scans (default: ${ours.steps!})`,
        wholeNumber(1),
      ).conflicts('epochs'),
    )
    .addOption(
      option(
        '--epochs <n>',
        `passes over all scans, instead of --steps (recipe paper: ${paper.epochs})`,
        wholeNumber(1),
      ),
    )
    .addOption(
      option('--batch-size <n>', `scans per step (default: ${ours.settings.batchSize})`, wholeNumber(1)),
    )
    .addOption(
      option(
        '--lr <rate>',
        `Adam's learning rate (default: ${ours.settings.learningRate}; recipe paper: ${paper.learningRate})`,
        realNumber('positive'),
      ),
    )
    .addOption(
      option('--weight-decay <w>', 'L2 penalty on the weights (default: 0)', realNumber('not negative')),
    )
    .addOption(
      option(
        '--clip <norm>',
        'clip the gradients to this global norm (default: no clipping)',
        realNumber('positive'),
      ),
    )
    .addOption(
      option(
        '--seed <n>',
        'seed of the initial weights, the order of scans and the noise; the same seed on the same device gives the same result (default: 0)',
        wholeNumber(0),
      ),
    )
    .addOption(memoryOption('1.5GB'))
    .addOption(precisionOption())
    .addOption(profileOption('one step, after the first pass over the scans'))
}

/**
 * The settings of a recipe's stage for this number of scans, with the options applied.
 */
export function withOptions<Settings extends OptimiserSettings>(
  { settings, steps }: Stage<Settings>,
  options: LearningOptions,
  scans: number,
): Settings {
  const { batchSize = settings.batchSize, lr, weightDecay, clip, seed, precision } = options
  return {
    ...settings,
    epochs: lengthOf(options, scans, batchSize) ?? lengthOf({ steps }, scans, batchSize) ?? settings.epochs,
    batchSize,
    learningRate: lr ?? settings.learningRate,
    weightDecay: weightDecay ?? settings.weightDecay,
    seed: seed ?? settings.seed,
    precision: precision ?? 'f32',
    ...(clip ? { maxNorm: clip } : {}),
  }
}

/** The epochs that --epochs or --steps ask for; undefined if neither is given. */
export function lengthOf(
  { epochs, steps }: { readonly epochs?: number | undefined; readonly steps?: number | undefined },
  scans: number,
  batchSize: number,
): number | undefined {
  return steps === undefined ? epochs : epochsOf(steps, scans, batchSize)
}
