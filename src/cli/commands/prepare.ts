import { InvalidArgumentError, Option, type Command } from 'commander'
import { UserError } from '../../errors.js'
import type { Volume } from '../../io/volume.js'
import type { Precision } from '../../plan/storage.js'
import { requireSingleFiles } from '../inputs/channel-files.js'
import { layoutOption, preparedNaming, type Layout } from '../cohort/bids-derivatives.js'
import {
  addCohortOptions,
  findScans,
  scansArgument,
  type Cohort,
  type CohortOptions,
} from '../cohort/cohort.js'
import { peakMemory, withGpu } from '../device.js'
import { FailedScans, keepGoingOption } from '../cohort/failed-scans.js'
import { keepingRecord } from '../run/keeping-record.js'
import {
  folderOption,
  memoryOption,
  overwriteOption,
  precisionOption,
  realNumber,
  terminalOf,
  wholeNumber,
  type GlobalOptions,
} from '../options.js'
import { writeOutput } from '../outputs/output-files.js'
import { formatOption, type ResultFormat } from '../outputs/result-format.js'
import { PrepareJobs } from '../prepare/prepare-jobs.js'
import { prepareScan, readHead } from '../prepare/prepare-scan.js'
import { needsOrientation, stepNames, type StepName, type Workshop } from '../prepare/prepare-steps.js'
import { readScanToRegister } from '../register/registration.js'
import { recordRun } from '../run/run-record.js'
import type { Job } from '../segment/segmentation-files.js'
import { shardOption, type Shard } from '../cohort/shard.js'
import { Stripper } from '../prepare/stripper.js'
import type { Terminal } from '../terminal.js'

interface PrepareOptions extends GlobalOptions {
  weights?: string
  output: string
  skip: StepName[]
  margin: number
  percentiles?: readonly [number, number]
  bias: number
  to?: string
  precision?: Precision
  memoryLimit?: number
  keepExisting?: boolean
  keepGoing?: boolean
  shard?: Shard
  layout?: Layout
  format?: ResultFormat
  overwrite?: boolean
}

export function addPrepare(program: Command): void {
  const command = program
    .command('prepare')
    .summary('make raw head scans ready: conform, strip the skull, remove the bias field, scale, register')
    .description(
      'Makes raw scans of the head ready for the other commands: conforms them (256x256x256 voxels of 1 mm), strips the skull with a network of brainchop, removes the bias field, scales the intensities to 0..1 and, with --to, registers them. Each step writes its result and can be skipped.',
    )
    .addArgument(scansArgument('scans of the head, in any orientation and units'))
  addCohortOptions(command)
    .option(
      '--weights <folder>',
      'network that finds the brain: the folder of a brainchop model (model.json and its weights), such as MindGrab',
    )
    .addOption(folderOption())
    .addOption(
      new Option('--skip <step>', `leave a step out, may be repeated: ${stepNames.join(', ')}`)
        .argParser(parseStep)
        .default([], 'none'),
    )
    .addOption(
      new Option('--margin <mm>', 'grow the mask of the brain by this many millimetres')
        .argParser(realNumber('not negative'))
        .default(0),
    )
    .addOption(
      new Option(
        '--percentiles <low,high>',
        'percentiles of the scan that the network sees as 0 and 1 (default: 2,98 for MindGrab, 0,100 for other networks)',
      ).argParser(parsePercentiles),
    )
    .addOption(
      new Option('--bias <order>', 'order of the smooth bias field, 1 to 4')
        .argParser(wholeNumber(1, 4))
        .default(3),
    )
    .option(
      '--to <scan>',
      'register: bring each scan onto this one by an affine map; without the skull unless strip is skipped',
    )
    .addOption(memoryOption('2GB'))
    .addOption(precisionOption())
    .option(
      '--keep-existing',
      'leave out scans that are prepared already, from the same file in the same way',
    )
    .addOption(keepGoingOption())
    .addOption(shardOption())
    .addOption(formatOption())
    .addOption(layoutOption('sub-01/anat/sub-01_desc-preproc_T1w.nii.gz'))
    .addOption(overwriteOption())
    .addHelpText(
      'after',
      `
Writes to the output folder (sub-01_T1w.nii.gz: NAME is sub-01; other scans are taken for T1w):
  NAME_desc-conform_T1w.nii.gz   conform: the scan, 256x256x256 voxels of 1 mm, axes LIA
  NAME_desc-brain_mask.nii.gz    strip: 1 in the brain
  NAME_desc-brain_T1w.nii.gz     strip: the scan, 0 outside the brain
  NAME_space-orig_desc-brain_*   strip: both on the grid of the scan's own file, unless --skip conform
  NAME_desc-biascorr_T1w.nii.gz  bias: the scan divided by NAME_biasfield.nii.gz
  NAME_desc-preproc_T1w.nii.gz   intensities: in 0..1, what the other commands take
  NAME_space-target_desc-*       register: scan and mask on the grid of --to
  NAME_from-T1w_to-target_mode-image_xfm.json  register: the matrices, in world millimetres (RAS)
  run.json                       settings, versions, checksums of the inputs, what each step found
With --format, the volumes are .nii or .mgz.

The weights are not part of this package, and none are downloaded: take the folder of a model from
https://github.com/neuroneural/brainchop (public/models/mindgrab, MIT licence).

Example:
  sae prepare sub-*/anat/*_T1w.nii.gz --weights mindgrab/ -o scans/
  sae prepare stripped.nii.gz --skip conform --skip strip -o scans/`,
    )
    .action(async (given: string[], _: unknown, self: Command) => {
      const terminal = terminalOf(self)
      const options = self.optsWithGlobals<PrepareOptions & CohortOptions>()
      const unused = { strip: ['margin', 'percentiles', 'precision'], bias: ['bias'] } as const
      for (const step of ['strip', 'bias'] as const)
        for (const name of unused[step])
          if (options.skip.includes(step) && self.getOptionValueSource(name) === 'cli')
            terminal.warn(`--${name} has no effect with --skip ${step}`)
      const cohort = await findScans(given, options, terminal)
      requireSingleFiles(cohort.scans, 'sae prepare')
      await prepare(cohort, options, terminal)
    })
}

async function prepare(cohort: Cohort, options: PrepareOptions, terminal: Terminal): Promise<void> {
  const wanted = stepsOf(options)
  const stripper = wanted.includes('strip') ? await readStripper(options) : undefined
  const { scans } = cohort
  const naming = preparedNaming(cohort, options)
  const planned = await PrepareJobs.plan({ scans, steps: wanted, stripper, naming, options }, terminal)
  const { jobs } = planned
  if (jobs.length === 0) return
  // Check all scans before the first is prepared, then read each again: a cohort does not fit into memory.
  const { good, failed } = await FailedScans.sift(
    jobs,
    options.keepGoing,
    async ({ scan }) => {
      requireOriented(await readHead(scan), wanted)
    },
    terminal,
  )
  if (!options.keepGoing) for (const { scan } of good) requireOriented(await readHead(scan), wanted)
  const target = options.to === undefined ? undefined : await readScanToRegister(options.to, terminal)

  await withGpu({ ...options, saving: '--precision f16' }, terminal, async (gpu) => {
    const { bias, memoryLimit } = options
    const workshop: Workshop = { gpu, stripper, bias, memoryLimit, target, terminal }
    // Before the first scan is conformed: the network needs most of the memory, and this may be too little.
    await stripper?.prepare(gpu)
    const done = new Map<string, object>()
    const record = (interrupted?: number): Promise<string> => {
      const inputs = [
        ...[...done.keys()].map((path) => ({ role: 'scan', path })),
        ...(stripper?.files ?? []).map((path) => ({ role: 'weights', path })),
        ...(options.to === undefined ? [] : [{ role: 'target', path: options.to }]),
      ]
      const figures = { scans: Object.fromEntries(done), ...failed.figures }
      const run = { command: 'prepare', options, inputs, adapter: gpu.adapter, interrupted, figures }
      return recordRun(options.output, run)
    }
    const prepareOne = async (job: Job): Promise<void> => {
      const stem = planned.stemOf(job)
      const action = () => prepareScan(job, stem, wanted, workshop, options.to)
      const prepared = await failed.attempt(job, action, terminal)
      if (!prepared) return
      // Only now: what is there of an earlier run outlives a first scan that is refused.
      if (done.size === 0) await planned.claim()
      const origin = await planned.originOf(job)
      for (const { path, content } of prepared.files) await writeOutput(path, content, origin)
      done.set(job.scan, prepared.figures)
    }
    await keepingRecord(
      async () => {
        for (const [i, job] of good.entries()) {
          terminal.status(`${job.scan} (${i + 1} of ${good.length})`)
          await failed.noting(job, () => prepareOne(job))
        }
      },
      async (interrupted) => done.size > 0 && (await record(interrupted)),
    )
    terminal.status(peakMemory(gpu))
    await record()
  })
  failed.conclude(terminal)
}

/** @throws UserError if there is nothing to do, or the options contradict each other */
function stepsOf({ skip, to }: PrepareOptions): StepName[] {
  if (to !== undefined && skip.includes('register'))
    throw new UserError('--to brings scans onto another, which --skip register leaves out; drop one of them')
  const wanted = stepNames.filter((step) => !skip.includes(step) && (step !== 'register' || to !== undefined))
  if (wanted.length === 0) throw new UserError('every step is skipped; there is nothing to do')
  return wanted
}

/** @throws UserError if a step needs to know how the head lies in the scan, and the file does not say */
function requireOriented({ grid, source }: Volume, wanted: readonly StepName[]): void {
  const needs = wanted.filter(needsOrientation)
  if (grid.known || needs.length === 0) return
  throw new UserError(
    `${source}: does not say how the head lies in it, which ${needs.join(' and ')} must know; convert it to NIfTI with an orientation, or give ${needs.map((step) => `--skip ${step}`).join(' ')}`,
  )
}

async function readStripper(options: PrepareOptions): Promise<Stripper> {
  const { weights, margin, percentiles, precision = 'f32', memoryLimit } = options
  if (weights === undefined)
    throw new UserError(
      'strip needs a network: give --weights with the folder of a brainchop model, such as MindGrab (https://github.com/neuroneural/brainchop, public/models/mindgrab: model.json and model.bin), or --skip strip for scans without a skull',
    )
  const quantiles = percentiles && ([percentiles[0] / 100, percentiles[1] / 100] as const)
  return Stripper.read({ weights, margin, quantiles, precision, memoryLimit })
}

function parseStep(text: string, before: readonly StepName[]): StepName[] {
  const step = stepNames.find((name) => name === text)
  if (step) return [...before, step]
  throw new InvalidArgumentError(`The steps are ${stepNames.join(', ')}.`)
}

function parsePercentiles(text: string): readonly [number, number] {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)))
  const [low, high] = numbers
  if (numbers.length === 2 && low! >= 0 && low! < high! && high! <= 100) return [low!, high!]
  throw new InvalidArgumentError('It must be two numbers from 0 to 100, such as 2,98.')
}
