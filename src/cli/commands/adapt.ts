import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Option, type Command } from 'commander'
import { UserError } from '../../errors.js'
import type { Precision } from '../../plan/storage.js'
import { defaultEm } from '../../sae/mixture/em-settings.js'
import { defaultTraining } from '../../sae/settings.js'
import { changeOf, changesCsv, formatChange, type Change } from '../train/adaptation.js'
import { channelFiles } from '../inputs/channel-files.js'
import {
  addCohortOptions,
  findScans,
  scansArgument,
  withLabelsOf,
  type CohortOptions,
} from '../cohort/cohort.js'
import { FailedScans, keepGoingOption } from '../cohort/failed-scans.js'
import { readHeaders } from '../inputs/input-headers.js'
import { requireLabelsOfEach } from '../inputs/inputs.js'
import {
  byIndexOption,
  classesOption,
  folderOption,
  memoryOption,
  overwriteOption,
  precisionOption,
  priorOption,
  realNumber,
  resampleOption,
  terminalOf,
  volumeOption,
  wholeNumber,
  type GlobalOptions,
} from '../options.js'
import { Outputs, writeOutput } from '../outputs/output-files.js'
import { formatOption, type ResultFormat } from '../outputs/result-format.js'
import {
  keepExistingOption,
  labelsOutOption,
  type LabelsOut,
  type SegmentationRun,
} from '../segment/segmentation-files.js'
import { Terminal } from '../terminal.js'
import { em, type EmCommandOptions } from '../segment/em-scans.js'
import { makePrior } from './prior.js'
import { segment, type SegmentOptions } from '../segment/segment-scans.js'
import { train } from '../train/train-scans.js'
import { readyWeights, requireUsable } from '../inputs/usable-scans.js'

interface AdaptOptions extends GlobalOptions {
  weights: string
  prior: string
  output: string
  method: 'em' | 'train'
  blur: number
  beta: number
  steps: number
  lr: number
  every?: number
  matchByIndex: boolean
  resample?: boolean
  volume?: number
  labels?: string[]
  labelsOut: LabelsOut
  format?: ResultFormat
  classes?: string
  keepExisting?: boolean
  keepGoing?: boolean
  overwrite?: boolean
  memoryLimit?: number
  precision?: Precision
}

/** Options that only one method takes. */
const optionsOf = { em: ['blur', 'beta', 'keepExisting'], train: ['steps', 'lr'] } as const

export function addAdapt(program: Command): void {
  const command = program
    .command('adapt')
    .summary('get more out of trained weights on new scans')
    .description(
      'Adapts trained weights to scans that they were not trained on, and shows what changes. By default, it segments each scan with the weights and then fits a Gaussian mixture to the scan (see sae em), with the blurred probabilities of that segmentation as prior; this helps good weights (docs/method.md). --method train trains the weights further on the scans instead, which helps weights that do not fit them.',
    )
    .addArgument(
      scansArgument('skull-stripped scans on the grid of the prior, or any with --resample; in any units'),
    )
  addCohortOptions(command)
    .addOption(
      new Option(
        '--weights <file>',
        "trained weights: ours, or the reference release's (.safetensors, .pth.tar)",
      ).makeOptionMandatory(),
    )
    .addOption(priorOption())
    .addOption(folderOption())
    .addOption(
      new Option('--method <name>', 'em: fit a mixture to each scan; train: train the weights further')
        .choices(['em', 'train'])
        .default('em'),
    )
    .addOption(
      new Option('--blur <mm>', 'em: standard deviation of the Gaussian that blurs the probabilities')
        .argParser(realNumber('not negative'))
        .default(1),
    )
    .addOption(
      new Option('--beta <weight>', 'em: weight of the MRF prior per neighbour; 0 turns it off')
        .argParser(realNumber('not negative'))
        .default(0),
    )
    .addOption(
      new Option('--steps <n>', 'train: number of steps, rounded up to whole passes over the scans')
        .argParser(wholeNumber(1))
        .default(20),
    )
    .addOption(
      new Option('--lr <rate>', "train: Adam's learning rate")
        .argParser(realNumber('positive'))
        .default(3e-4),
    )
    .addOption(
      new Option(
        '--every <n>',
        'use every n-th voxel along each axis (and of the prior, if it has the full size) (default: as in training if the voxels are those of its scans, else 1)',
      ).argParser(wholeNumber(1)),
    )
    .option(
      '--labels <files...>',
      'reference label maps, in the order of the scans; shows the Dice before and after, never used to adapt',
    )
    .addOption(labelsOutOption())
    .addOption(formatOption())
    .addOption(classesOption())
    .addOption(byIndexOption())
    .addOption(resampleOption())
    .addOption(volumeOption())
    .addOption(memoryOption('1.5GB'))
    .addOption(precisionOption())
    .addOption(keepExistingOption())
    .addOption(keepGoingOption())
    .addOption(overwriteOption())
    .addHelpText(
      'after',
      `
Writes to the output folder:
  before/         the segmentations by the weights as they are (see sae segment), and the prior of each scan
  NAME_dseg.*     the segmentations after the adaptation, and their tables
  adaptation.csv  a row per region of each scan: volumes before and after, the Dice of both, and with --labels of each
  run.json        each step: quality of the segmentations, settings, versions, checksums of the inputs
With --method train also what sae train writes: best.safetensors are the adapted weights.

Example:
  sae adapt scan.nii.gz --weights run/best.safetensors --prior prior.nii.gz -o out/`,
    )
    .action(async (given: string[], _: unknown, self: Command) => {
      const terminal = terminalOf(self)
      const options = self.optsWithGlobals<AdaptOptions & CohortOptions>()
      const other = options.method === 'em' ? 'train' : 'em'
      for (const name of optionsOf[other])
        if (self.getOptionValueSource(name) === 'cli')
          terminal.warn(
            `--${name === 'keepExisting' ? 'keep-existing' : name} has no effect without --method ${other}`,
          )
      const cohort = await findScans(given, options, terminal)
      await adapt(cohort.scans, withLabelsOf(cohort, options), terminal)
    })
}

async function adapt(all: readonly string[], options: AdaptOptions, terminal: Terminal): Promise<void> {
  const { output, method, matchByIndex, resample = false, volume, keepGoing } = options
  requireLabelsOfEach(all, options.labels)
  if (options.labels && !keepGoing) await readHeaders(options.labels, 'a label map', volume)
  const keepExisting = method === 'em' && options.keepExisting === true
  const csv = join(output, 'adaptation.csv')
  const inputs = [...all.flatMap(channelFiles), ...(options.labels ?? []), options.prior, options.weights]
  const overwrite = options.overwrite === true || keepExisting
  const summary = Outputs.ofFile(csv, { files: [csv], inputs, overwrite })
  await summary.requireFree()
  const { good, failed } = await usableScans(all, options, terminal)
  const scans = good.map(({ scan }) => scan)

  terminal.status('Before:')
  const segmented = { ...segmentOptions(options), keepExisting, posterior: method === 'em' }
  const into = { ...segmented, output: join(output, 'before') }
  const before = await segment(scans, into, terminal, undefined, failed)
  terminal.status('\nAfter:')
  const after =
    method === 'em'
      ? await fitEach(before, { ...options, overwrite }, terminal)
      : await trainFurther(scans, { ...options, every: before.every }, terminal)
  if (!after) return

  // Resampled results are on the whole grid of each scan.
  const every = resample ? 1 : before.every
  const reference = { every, matchByIndex, resample, ...(volume === undefined ? {} : { volume }) }
  const changes: Change[] = []
  for (const [i, { scan, stem, format }] of before.jobs.entries()) {
    const madeOf = ({ made }: SegmentationRun) => made.find((one) => one.scan === scan)
    const { name, stem: stemAfter } = after.jobs[i]!
    const maps = { before: `${stem}_dseg.${format}`, after: `${stemAfter}_dseg.${format}` }
    const made = { madeBefore: madeOf(before), madeAfter: madeOf(after) }
    try {
      const change = await changeOf({ scan, name, ...maps, ...made, labels: good[i]!.labels }, reference)
      terminal.print(formatChange(change))
      changes.push(change)
    } catch (error) {
      // Codes of another atlas show when they are compared.
      if (!keepGoing || !(error instanceof UserError)) throw error
      failed.leaveOut(scan, error, terminal)
    }
  }
  await summary.claim()
  await writeOutput(csv, changesCsv(changes))
  terminal.status(`\nThe same as a table: ${csv}`)
  failed.conclude(terminal)
}

/** The scans to adapt to, with their label maps: all, or those that can be used if the others are to be left out. */
async function usableScans(scans: readonly string[], options: AdaptOptions, terminal: Terminal) {
  const jobs = scans.map((scan, i) => ({ scan, labels: options.labels?.[i] }))
  const ready = options.keepGoing ? await readyWeights(scans, options) : undefined
  const check = (job: (typeof jobs)[number]) => requireUsable(job, ready!, options)
  return FailedScans.sift(jobs, options.keepGoing, check, terminal)
}

/** EM on each scan, under what the weights make of it. */
async function fitEach(
  before: SegmentationRun,
  options: AdaptOptions & { readonly overwrite: boolean },
  terminal: Terminal,
): Promise<SegmentationRun> {
  const { blur, beta, resample, overwrite } = options
  const { components, potential, bias, iterations } = defaultEm
  const every = resample ? 1 : before.every
  const jobs = []
  const made = []
  for (const { scan, name, stem, format } of before.jobs) {
    const prior = `${stem}_prior.nii.gz`
    const plain = { dilate: 0, floor: 0, every: 1, transform: 'affine', matchByIndex: false } as const
    const fromPosterior = { ...plain, output: prior, blur, classes: `${stem}_dseg.tsv`, overwrite }
    await makePrior([`${stem}_probseg.${format}`], fromPosterior, quiet)
    const settings = { beta, components: components as number, potential, bias, iterations }
    const files: Partial<EmCommandOptions> = {
      prior,
      ...(options.keepExisting ? { keepExisting: true } : {}),
    }
    const run = await em(
      [scan],
      { ...common(options), ...settings, ...files, prior, k: defaultEm.neighbourhood, every },
      terminal,
      { names: [name] },
    )
    jobs.push(...run.jobs)
    made.push(...run.made)
  }
  return { jobs, made, every }
}

/** @returns undefined if the user stopped the training; the exit code is set then */
async function trainFurther(
  scans: readonly string[],
  options: AdaptOptions & { readonly every: number },
  terminal: Terminal,
): Promise<SegmentationRun | undefined> {
  const { output, weights, prior, every, steps, lr, resample } = options
  const best = join(output, 'best.safetensors')
  const learning = { recipe: 'default', init: weights, prior, every, steps, lr, saveEvery: 10 } as const
  await train(scans, { ...common(options), ...learning, ...(resample ? { resample } : {}) }, terminal)
  if (process.exitCode !== undefined || !existsSync(best)) return undefined
  return segment(scans, { ...segmentOptions(options), weights: best, output }, terminal)
}

/** The options of both steps. */
function common(options: AdaptOptions) {
  const { output, matchByIndex, labelsOut } = options
  const { adapter, quiet, classes, volume, format, overwrite, memoryLimit, precision } = options
  return {
    ...{ output, matchByIndex, labelsOut },
    ...given({ adapter, quiet, classes, volume, format, overwrite, memoryLimit, precision }),
  }
}

function segmentOptions(options: AdaptOptions): SegmentOptions {
  const { weights, prior, every, resample } = options
  const plain = { refine: 0, beta: defaultTraining.beta, k: defaultTraining.neighbourhood }
  return { ...common(options), ...plain, weights, prior, ...given({ every, resample }) }
}

/** Without what is undefined. */
function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

/** How the prior of each scan is made is in its .json. */
const quiet = new Terminal('quiet')
