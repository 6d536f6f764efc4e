import { join } from 'node:path'
import { Option, type Command } from 'commander'
import { Variables } from '../autograd/variables.js'
import type { LabelTable } from '../sae/label-table.js'
import { defaultTraining } from '../sae/settings.js'
import { Trainer, type TrainingStep } from '../sae/trainer.js'
import { assessRun } from './assess-run.js'
import { Checkpoints } from './checkpoints.js'
import { tableFor } from './classes.js'
import { CsvLog, requireColumns } from './csv-log.js'
import { describePreparation, peakMemory, withGpu } from './device.js'
import { readTrainingScans } from './inputs.js'
import { follow, logColumns, type Recording } from './learning.js'
import { addLearningOptions, oddNumber, realNumber, terminalOf, wholeNumber } from './options.js'
import { makeFolder, requireWritableFolder } from './output-folder.js'
import { readPrior, toPrior } from './prior-file.js'
import { Progress } from './progress.js'
import type { Terminal } from './terminal.js'
import { loadStart, readStart, type TrainOptions } from './training-start.js'

export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .summary('second step: train the Segmentation Auto-Encoder')
    .description(
      'Trains encoder and decoder together, so that the segmentation of each scan explains the scan and agrees with the prior.',
    )
    .argument('<scans...>', 'scans on one grid, intensities in 0..1 (others are rescaled)')
  addLearningOptions(command, defaultTraining)
    .option('--init <weights>', 'start from these weights (sae pretrain makes them; .safetensors, .pth.tar)')
    .option('--fresh-decoder', 'with --init: start with a new decoder even where the file holds one')
    .option(
      '--resume <checkpoint>',
      'go on exactly where a run stopped, given the same scans and prior; its settings hold, only --epochs may be raised',
    )
    .addOption(
      new Option('--beta <weight>', 'weight of the MRF prior; 0 makes neighbouring voxels independent')
        .argParser(realNumber('not negative'))
        .default(defaultTraining.beta),
    )
    .addOption(
      new Option('--k <voxels>', "edge length of the MRF's neighbourhood, odd, 3 to 21")
        .argParser(oddNumber)
        .default(defaultTraining.neighbourhood),
    )
    .addOption(
      new Option('--tau <temperature>', 'temperature of the Gumbel-softmax')
        .argParser(realNumber('positive'))
        .default(defaultTraining.temperature, '2/3'),
    )
    .addOption(
      new Option(
        '--sigma <mode>',
        'noise of a scan about its reconstruction: estimated after each epoch, or fixed',
      )
        .choices(['estimated', 'fixed'])
        .default(defaultTraining.sigma),
    )
    .addOption(
      new Option('--alpha <weight>', 'weight of the squared error where sigma is fixed')
        .argParser(realNumber('not negative'))
        .default(defaultTraining.alpha),
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
  best.safetensors  after the epoch whose mean loss over all scans was lowest: the one for sae segment
  last.safetensors  after the last epoch, or where the run was stopped: the one for --resume
  train.csv         a row for every step: the loss and its terms (sums over voxels), mse, the weight of the
                    squared error, sigma, seconds, and Dice where --labels are given
  run.json          what the segmentations are worth, settings, versions, checksums of inputs
Ctrl-C ends the run after the steps under way, saves last.safetensors and exits with 130.

Example:
  sae train scans/*.nii.gz --prior prior.nii.gz --init run/pretrained.safetensors -o run/`,
    )
    .action(async (scans: string[], _: unknown, self: Command) => {
      await train(scans, self, terminalOf(self))
    })
}

async function train(paths: string[], command: Command, terminal: Terminal): Promise<void> {
  const options = command.optsWithGlobals<TrainOptions>()
  const { output, labels, every, classes } = options
  requireWritableFolder(output)
  const priorFile = await readPrior(options.prior, terminal)
  const { channels } = priorFile.volume
  const start = await readStart(command, channels, terminal)
  const { model, settings, progress: resumed } = start
  const table = await tableFor(channels, options.prior, classes, [priorFile.table, start.weights?.table])
  const { scans, prior } = await readTrainingScans(paths, labels, priorFile, table, every, terminal)
  const recording = recordingOf(labels ? table : undefined)
  const columns = logColumns(recording)
  const logPath = join(output, 'train.csv')
  if (resumed) await requireColumns(logPath, columns)

  await withGpu(options, terminal, async (gpu) => {
    const { memoryLimit } = options
    const variables = new Variables(gpu)
    const trainer = new Trainer(gpu, model, variables, toPrior(prior), settings, resumed, { memoryLimit })
    terminal.note(describePreparation(await trainer.prepare(scans.length), memoryLimit))
    loadStart(start, variables, trainer.optimiser)
    makeFolder(output)
    const run = { trainer, model, variables, table }
    const checkpoints = new Checkpoints(output, run, options.saveEvery, resumed && start.weights?.metadata)
    const log = resumed
      ? await CsvLog.resume(logPath, columns, resumed.step)
      : await CsvLog.create(logPath, columns)
    const stepsPerEpoch = Math.ceil(scans.length / settings.batchSize)
    const progress = new Progress(terminal, settings.epochs, stepsPerEpoch, resumed?.step)
    let last: TrainingStep | undefined
    const exitCode = await follow(
      (run) => trainer.train(scans, run),
      recording,
      log,
      progress,
      (step) => checkpoints.afterStep((last = step)),
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
      prior,
      table,
      options,
      settings,
    } as const
    const outcome = { weights: checkpoints.best, figures: { lastStep: last }, interrupted: exitCode }
    await assessRun({ ...learnt, ...outcome }, terminal)
  })
}

function recordingOf(dice: LabelTable | undefined): Recording<TrainingStep> {
  return {
    columns: {
      loss: (step) => step.loss,
      reconstruction: (step) => step.reconstructionLoss,
      kl: (step) => step.klLoss,
      mrf: (step) => step.mrfLoss,
      mse: (step) => step.meanSquaredError,
      weight: (step) => step.weight,
      sigma: (step) => step.sigma,
    },
    shown: ['loss', 'reconstruction', 'kl', 'mrf', 'mse', 'sigma', 'mean_dice'],
    dice,
  }
}
