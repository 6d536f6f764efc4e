import { join } from 'node:path'
import type { Command } from 'commander'
import { Variables } from '../autograd/variables.js'
import { UserError } from '../errors.js'
import type { Gpu } from '../gpu/gpu.js'
import type { TrainingScan } from '../sae/batches.js'
import type { LabelTable } from '../sae/label-table.js'
import {
  checkTensors,
  createModel,
  defaultArchitecture,
  loadTensors,
  type Architecture,
  type Model,
} from '../sae/model.js'
import { Pretrainer, type PretrainingStep } from '../sae/pretrainer.js'
import type { Prior } from '../sae/prior-volume.js'
import { defaultPretraining, type OptimiserSettings } from '../sae/settings.js'
import { assessRun } from './assess-run.js'
import { tableFor } from './classes.js'
import { CsvLog } from './csv-log.js'
import { describePreparation, peakMemory, withGpu } from './device.js'
import { readTrainingScans } from './inputs.js'
import { follow, logColumns, type Recording } from './learning.js'
import { addLearningOptions, optimiserSettings, terminalOf, type LearningOptions } from './options.js'
import { makeFolder, requireWritableFolder } from './output-folder.js'
import { readPrior, toPrior } from './prior-file.js'
import { Progress } from './progress.js'
import type { Terminal } from './terminal.js'
import { readWeights, requireClasses, writeWeights, type WeightsFile } from './weights-file.js'

interface PretrainOptions extends LearningOptions {
  instanceNorm?: boolean
}

export function addPretrain(program: Command): void {
  const command = program
    .command('pretrain')
    .summary('first step: teach the encoder to answer every scan with the prior')
    .description(
      'Trains the encoder to answer every scan with the prior (cross-entropy). Without that start, sae train often collapses into few classes.',
    )
    .argument('<scans...>', 'scans on one grid, intensities in 0..1 (others are rescaled)')
  addLearningOptions(command, defaultPretraining)
    .option(
      '--init <weights>',
      "go on from an encoder: ours, or the reference release's (.safetensors, .pth.tar)",
    )
    .option('--instance-norm', 'instance normalisation in every block of the encoder (not in the paper)')
    .addHelpText(
      'after',
      `
Writes to the output folder:
  pretrained.safetensors  weights of the encoder
  pretrain.csv            a row for every step: cross-entropy (mean over voxels), seconds, and Dice where
                          --labels are given
  run.json                what the segmentations are worth, settings, versions, checksums of inputs
Ctrl-C ends the run after the steps under way, saves what there is and exits with 130.

Example:
  sae pretrain scans/*.nii.gz --prior prior.nii.gz -o run/`,
    )
    .action(async (scans: string[], _: unknown, self: Command) => {
      await pretrain(scans, self.optsWithGlobals<PretrainOptions>(), terminalOf(self))
    })
}

async function pretrain(paths: string[], options: PretrainOptions, terminal: Terminal): Promise<void> {
  requireWritableFolder(options.output)
  const settings = optimiserSettings(options)
  const priorFile = await readPrior(options.prior, terminal)
  const { channels } = priorFile.volume
  const weights = options.init === undefined ? undefined : await readWeights(options.init)
  if (weights) requireClasses(weights, channels, options.prior)
  const table = await tableFor(channels, options.prior, options.classes, [priorFile.table, weights?.table])
  const inputs = await readTrainingScans(paths, options.labels, priorFile, table, options.every, terminal)
  const model = createModel(architecture(channels, options, weights), settings.seed)
  if (weights) checkTensors(model.encoder.parameters, weights.tensors, weights.source)

  await withGpu(options, terminal, async (gpu) => {
    const variables = new Variables(gpu)
    if (weights) loadTensors(variables, model.encoder.parameters, weights.tensors, weights.source)
    const run = { model, variables, prior: toPrior(inputs.prior), settings, table }
    const { exitCode, last } = await learn(gpu, run, inputs.scans, options, terminal)
    const target = join(options.output, 'pretrained.safetensors')
    const info = { architecture: model.architecture, table, training: undefined }
    await writeWeights(target, variables, model.encoder.parameters, info)
    terminal.status(
      `${exitCode === undefined ? 'Pretrained' : 'Interrupted: partly pretrained'} encoder: ${target}`,
    )
    terminal.status(peakMemory(gpu))
    const learnt = {
      command: 'pretrain',
      gpu,
      model,
      variables,
      ...inputs,
      table,
      options,
      settings,
    } as const
    await assessRun({ ...learnt, figures: { lastStep: last }, interrupted: exitCode }, terminal)
    if (exitCode !== undefined) process.exitCode = exitCode
  })
}

function architecture(
  classes: number,
  { instanceNorm = false }: PretrainOptions,
  weights: WeightsFile | undefined,
): Architecture {
  if (!weights) return { ...defaultArchitecture(classes), instanceNorm }
  if (instanceNorm && !weights.info.architecture.instanceNorm) {
    throw new UserError(
      `${weights.source}: was trained without instance normalisation; leave out --instance-norm`,
    )
  }
  return weights.info.architecture
}

interface Run {
  readonly model: Model
  readonly variables: Variables
  readonly prior: Prior
  readonly settings: OptimiserSettings
  readonly table: LabelTable
}

async function learn(
  gpu: Gpu,
  { model, variables, prior, settings, table }: Run,
  scans: readonly TrainingScan[],
  options: PretrainOptions,
  terminal: Terminal,
): Promise<{ exitCode: number | undefined; last: PretrainingStep | undefined }> {
  const recording: Recording<PretrainingStep> = {
    columns: { cross_entropy: (step) => step.crossEntropy },
    shown: ['cross_entropy', 'mean_dice'],
    dice: options.labels ? table : undefined,
  }
  const { memoryLimit } = options
  const pretrainer = new Pretrainer(gpu, model, variables, prior, settings, { memoryLimit })
  terminal.note(describePreparation(await pretrainer.prepare(scans.length), memoryLimit))
  makeFolder(options.output)
  const log = await CsvLog.create(join(options.output, 'pretrain.csv'), logColumns(recording))
  const progress = new Progress(terminal, settings.epochs, Math.ceil(scans.length / settings.batchSize))
  let last: PretrainingStep | undefined
  const note = (step: PretrainingStep): Promise<void> => Promise.resolve(void (last = step))
  try {
    const exitCode = await follow((run) => pretrainer.train(scans, run), recording, log, progress, note)
    return { exitCode, last }
  } finally {
    pretrainer.dispose()
  }
}
