import { join } from 'node:path'
import { Option, type Command } from 'commander'
import { Variables } from '../../plan/variables.js'
import type { Gpu } from '../../gpu/gpu.js'
import type { Volume } from '../../io/volume.js'
import type { TrainingScan } from '../../sae/batches.js'
import type { LabelTable } from '../../sae/label-table.js'
import { partCountsOf, withMixtures } from '../../sae/parts.js'
import type { Prior } from '../../sae/prior.js'
import { emOf, recipes } from '../../sae/recipes.js'
import { Trainer, type TrainingProgress, type TrainingStep } from '../../sae/trainer.js'
import { assessRun } from '../assess-run.js'
import { Checkpoints } from '../checkpoints.js'
import { tableFor } from '../classes.js'
import { CsvLog, requireColumns } from '../csv-log.js'
import { describePreparation, peakMemory, withGpu } from '../device.js'
import { fitDecoder } from '../fit-decoder.js'
import { fitMixtures } from '../fit-mixtures.js'
import { readTrainingScans } from '../inputs.js'
import { follow, logColumns } from '../learning.js'
import { matchRun } from '../match-run.js'
import { addLearningOptions, neighbourhood, realNumber, terminalOf, wholeNumber } from '../options.js'
import { makeFolder, requireWritableFolder } from '../output-folder.js'
import { networkPrior, readPrior, toPrior } from '../prior-file.js'
import { profileOnce, requireTimestamps } from '../profile.js'
import { Progress } from '../progress.js'
import { trainingRecording } from '../recordings.js'
import type { Terminal } from '../terminal.js'
import { loadStart, readStart, type Start, type TrainOptions } from '../training-start.js'

export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .summary('second step: train the Segmentation Auto-Encoder')
    .description(
      'Trains encoder and decoder together, so that the segmentation of each scan explains the scan and agrees with the prior.',
    )
    .argument('<scans...>', 'skull-stripped scans on one grid, in any units')
  const { settings: ours } = recipes.default.training
  const { settings: paper } = recipes.paper.training
  addLearningOptions(command, 'training')
    .option('--init <weights>', 'start from these weights (sae pretrain makes them; .safetensors, .pth.tar)')
    .option('--fresh-decoder', 'with --init: start with a new decoder even if the file holds one')
    .option(
      '--resume <checkpoint>',
      'go on exactly at the end of a run, given the same scans and prior; its settings hold, only --steps or --epochs may be raised',
    )
    .addOption(
      new Option(
        '--beta <weight>',
        `weight of the MRF prior, which multiplies the mean over a voxel's neighbours (default: ${ours.beta}) or, with --recipe paper, their sum (${paper.beta}); 0 makes neighbouring voxels independent`,
      ).argParser(realNumber('not negative')),
    )
    .addOption(
      new Option(
        '--k <voxels>',
        `edge length of the MRF's neighbourhood, odd, 3 to 21 (default: ${ours.neighbourhood})`,
      ).argParser(neighbourhood),
    )
    .addOption(
      new Option(
        '--potential <kind>',
        `what neighbours say of each other: pointwise, how much more often two classes meet than by chance, or conditional, as published (default: ${ours.potential!}; recipe paper: conditional)`,
      ).choices(['pointwise', 'conditional']),
    )
    .addOption(
      new Option('--tau <temperature>', 'temperature of the Gumbel-softmax (default: 2/3)').argParser(
        realNumber('positive'),
      ),
    )
    .addOption(
      new Option(
        '--sigma <mode>',
        `noise of a scan about its reconstruction: estimated after each epoch and weighed continuously, in powers of ten (estimated, as published), or fixed (default: ${ours.sigma}; recipe paper: ${paper.sigma})`,
      ).choices(['continuous', 'estimated', 'fixed']),
    )
    .addOption(
      new Option('--alpha <weight>', 'weight of the squared error if sigma is fixed (default: 1)').argParser(
        realNumber('not negative'),
      ),
    )
    .addOption(
      new Option(
        '--decoder-steps <n>',
        `steps that fit a new decoder before the encoder moves (default: ${ours.decoderSteps!}; recipe paper: 0)`,
      ).argParser(wholeNumber(0)),
    )
    .addOption(
      new Option(
        '--patience <n>',
        'end the run early once the criterion of best.safetensors has not fallen, by 1 % of how far it has come, for n windows of 10 steps, or of an epoch if that has more (default: go on to the last step)',
      ).argParser(wholeNumber(1)),
    )
    .addOption(
      new Option('--save-every <epochs>', 'how often last.safetensors is written')
        .argParser(wholeNumber(1))
        .default(10),
    )
    .addHelpText(
      'after',
      `
Writes to the output folder:
  best.safetensors  after the steps with the lowest negative evidence bound at the variance that suits them best (over
                    10 steps, or an epoch if that has more): the one for sae segment
  last.safetensors  after the last epoch, or after the step at which the run was interrupted: the one for --resume
  train.csv         a row for every step: the loss and its terms (sums over voxels), mse, the weight of the
                    squared error, sigma, seconds, and Dice if --labels are given
  run.json          what the segmentations are worth, settings, versions, checksums of inputs
Ctrl-C ends the run after the steps under way, saves last.safetensors and exits with 130.

Example:
  sae train scans/*.nii.gz --prior prior.nii.gz --init run/pretrained.safetensors -o run/`,
    )
    .action(async (scans: string[], _: unknown, self: Command) => {
      await train(scans, self.optsWithGlobals<TrainOptions>(), terminalOf(self))
    })
}

async function train(paths: string[], options: TrainOptions, terminal: Terminal): Promise<void> {
  const { output, labels, every, classes, matchByIndex } = options
  requireWritableFolder(output)
  const files = { prior: options.prior, scans: paths, labels }
  const grids = await matchRun(files, every, matchByIndex, terminal)
  const priorFile = await readPrior(options.prior, terminal)
  const { channels } = priorFile.volume
  const start = await readStart(options, paths.length, channels, terminal)
  const { model, settings, progress: resumed } = start
  const table = await tableFor(channels, options.prior, classes, [priorFile.table, start.weights?.table])
  const intensities = start.weights?.info.intensities ?? recipes[options.recipe].intensities
  const inputs = await readTrainingScans(paths, labels, priorFile, table, grids, intensities, terminal)
  const { scans } = inputs
  const prior = networkPrior(inputs.prior, model.architecture)
  const recording = trainingRecording(labels ? table : undefined)
  const columns = logColumns(recording)
  const logPath = join(output, 'train.csv')
  if (resumed) await requireColumns(logPath, columns)

  await withGpu(options, terminal, async (gpu) => {
    const { memoryLimit } = options
    if (options.profile) requireTimestamps(gpu)
    const variables = new Variables(gpu)
    loadStart(start, variables)
    const learnable = await withFittedMixtures(gpu, start, inputs, table, memoryLimit, terminal)
    const progress =
      resumed ?? (await startingProgress(gpu, start, variables, prior, scans, options, terminal))
    if (!progress) return
    const trainer = new Trainer(gpu, model, variables, prior, settings, progress, { memoryLimit })
    terminal.note(describePreparation(await trainer.prepare(learnable), memoryLimit))
    loadStart(start, variables, trainer.optimiser)
    makeFolder(output)
    const stepsPerEpoch = Math.ceil(scans.length / settings.batchSize)
    const voxels = prior.shape[0] * prior.shape[1] * prior.shape[2]
    const run = { trainer, model, variables, table, intensities, voxels }
    const { saveEvery, patience } = options
    const saved = resumed && start.weights?.metadata
    const checkpoints = new Checkpoints(output, run, stepsPerEpoch, saveEvery, patience, saved)
    const log = resumed
      ? await CsvLog.resume(logPath, columns, resumed.step)
      : await CsvLog.create(logPath, columns)
    const profile = options.profile ? profileOnce(trainer, terminal) : undefined
    let last: TrainingStep | undefined
    const exitCode = await follow(
      (run) => trainer.train(learnable, run),
      recording,
      log,
      new Progress(terminal, settings.epochs, stepsPerEpoch, resumed?.step),
      async (step) => {
        await profile?.(step)
        return checkpoints.afterStep((last = step))
      },
    )
    await checkpoints.saveLast()
    trainer.dispose()
    if (exitCode === undefined) {
      terminal.status(`Best: ${checkpoints.best}; last: ${checkpoints.last}; every step: ${log.path}`)
    } else {
      terminal.status(`Interrupted; go on with --resume ${checkpoints.last}`)
      process.exitCode = exitCode
    }
    terminal.status(peakMemory(gpu))
    const learnt = {
      command: 'train',
      gpu,
      model,
      variables,
      scans,
      prior: inputs.prior,
      table,
      options,
      settings,
    } as const
    const outcome = { weights: checkpoints.best, figures: { lastStep: last }, interrupted: exitCode }
    await assessRun({ ...learnt, ...outcome }, terminal)
  })
}

/** The scans, with a Gaussian mixture for each if training takes the divergence from its posterior. */
async function withFittedMixtures(
  gpu: Gpu,
  { model: { architecture }, settings }: Start,
  { scans, prior }: { readonly scans: readonly TrainingScan[]; readonly prior: Volume },
  table: LabelTable,
  memoryLimit: number | undefined,
  terminal: Terminal,
): Promise<readonly TrainingScan[]> {
  if (settings.divergence !== 'mixture') return scans
  const em = { ...emOf(recipes.default.mixture, partCountsOf(architecture)), memoryLimit }
  const mixtures = await fitMixtures(gpu, scans, toPrior(prior), table, em, terminal)
  return withMixtures(scans, mixtures, architecture.parts)
}

/**
 * The progress of a run that begins: with a new decoder, after that was fitted. Undefined if the user stopped it, with
 * nothing to save yet.
 */
async function startingProgress(
  gpu: Gpu,
  start: Start,
  variables: Variables,
  prior: Prior,
  scans: readonly TrainingScan[],
  { memoryLimit }: TrainOptions,
  terminal: Terminal,
): Promise<TrainingProgress | undefined> {
  const beginning = { epoch: 0, step: 0, variance: 1e8, errors: [] }
  const isNew = !start.weights?.tensors.has('decoder.weight')
  if (!isNew || !start.settings.decoderSteps) return beginning
  const { variance, exitCode } = await fitDecoder(gpu, start, variables, prior, scans, memoryLimit, terminal)
  if (exitCode === undefined) return { ...beginning, variance }
  terminal.status('Interrupted before the first step of training: nothing was written')
  process.exitCode = exitCode
  return undefined
}
