import { join } from 'node:path'
import type { Command } from 'commander'
import { Variables } from '../../plan/variables.js'
import { UserError } from '../../errors.js'
import type { Gpu } from '../../gpu/gpu.js'
import type { Volume } from '../../io/volume.js'
import type { TrainingScan } from '../../sae/training/batches.js'
import type { LabelTable } from '../../sae/labels/label-table.js'
import {
  channelsOf,
  checkTensors,
  createModel,
  forChannels,
  loadTensors,
  type Architecture,
  type Model,
} from '../../sae/model.js'
import type { PretrainingProgress } from '../../sae/training/pretrainer.js'
import type { Prior } from '../../sae/prior/prior.js'
import { dividedByFits, partCounts, partCountsOf, withMixtures } from '../../sae/prior/parts.js'
import { emOf, recipes, type Recipe } from '../../sae/recipes.js'
import type { PretrainingSettings } from '../../sae/settings.js'
import { assessRun } from '../assess/assess-run.js'
import { channelFiles, channelsOfScans } from '../inputs/channel-files.js'
import { tableFor } from '../inputs/classes.js'
import {
  addCohortOptions,
  findScans,
  scansArgument,
  withLabelsOf,
  type CohortOptions,
} from '../cohort/cohort.js'
import { peakMemory } from '../device.js'
import { examplesBeside, RunExamples } from '../examples/run-examples.js'
import { fitMixtures } from '../train/fit-mixtures.js'
import { readTrainingScans, requireLabelsOfEach } from '../inputs/inputs.js'
import { matchRun } from '../grids/match-run.js'
import { addLearningOptions, terminalOf, withOptions, type LearningOptions } from '../options.js'
import { Outputs } from '../outputs/output-files.js'
import { networkPrior, readPrior, tableBeside, toPrior } from '../prior/prior-file.js'
import { requireTimestamps } from '../profile.js'
import { learnFromScans } from '../train/pretraining.js'
import { surviving } from '../train/recovery.js'
import type { Terminal } from '../terminal.js'
import { trainedGridMetadata } from '../grids/trained-grid.js'
import {
  readWeights,
  requireChannels,
  requireClasses,
  writeWeights,
  type WeightsFile,
} from '../inputs/weights-file.js'

interface PretrainOptions extends LearningOptions {
  instanceNorm?: boolean
}

export function addPretrain(program: Command): void {
  const command = program
    .command('pretrain')
    .summary('first step: give the encoder a good start')
    .description(
      "Fits a Gaussian mixture to every scan (see sae em) and trains the encoder to predict the mixture's posterior from the scan; with --recipe paper, to predict the prior. Without such a start, sae train often collapses into a few classes.",
    )
    .addArgument(
      scansArgument('skull-stripped scans on the grid of the prior, or any with --resample; in any units'),
    )
  addCohortOptions(addLearningOptions(command, 'pretraining'))
    .option(
      '--init <weights>',
      "start from this encoder: ours, or the reference release's (.safetensors, .pth.tar)",
    )
    .option(
      '--instance-norm',
      'instance normalisation in every block of the encoder (always on in the default recipe, off in the paper)',
    )
    .addHelpText(
      'after',
      `
Writes to the output folder:
  pretrained.safetensors  weights of the encoder
  pretrain.csv            one row per step: cross-entropy (mean over voxels), seconds, and Dice if --labels is given
  pretrain-examples.json  slices of one scan and its segmentation as it developed, for sae report
  run.json                quality of the segmentations, settings, versions, checksums of the inputs
Ctrl-C ends the run after the steps in flight, saves the weights so far and exits with code 130.

Example:
  sae pretrain scans/*.nii.gz --prior prior.nii.gz -o run/`,
    )
    .action(async (given: string[], _: unknown, self: Command) => {
      const terminal = terminalOf(self)
      const options = self.optsWithGlobals<PretrainOptions & CohortOptions>()
      const cohort = await findScans(given, options, terminal)
      await pretrain(cohort.scans, withLabelsOf(cohort, options), terminal)
    })
}

async function pretrain(
  paths: readonly string[],
  options: PretrainOptions,
  terminal: Terminal,
): Promise<void> {
  const { labels, every, matchByIndex, resample = false } = options
  requireLabelsOfEach(paths, labels)
  const outputs = outputsOf(paths, options)
  await outputs.requireFree()
  const files = { prior: options.prior, scans: paths, labels, volume: options.volume }
  const grids = await matchRun(files, every, { matchByIndex, resample }, terminal)
  const recipe = recipes[options.recipe]
  const settings = withOptions(recipe.pretraining, options, paths.length)
  const priorFile = await readPrior(options.prior, terminal)
  const { channels } = priorFile.volume
  const weights = options.init === undefined ? undefined : await readWeights(options.init)
  if (weights) requireClasses(weights, channels, options.prior)
  if (weights) requireChannels(weights, paths)
  const table = await tableFor(
    channels,
    options.prior,
    options.classes,
    [priorFile.table, weights?.table],
    terminal,
  )
  const intensities = weights?.info.intensities ?? recipe.intensities
  const inputs = await readTrainingScans(paths, labels, priorFile, table, grids, intensities, terminal)
  const own = architecture(channels, paths, options, weights)
  if (weights) checkTensors(createModel(own).encoder.parameters, weights.tensors, weights.source)

  const logPath = join(options.output, logName)
  const examplesPath = examplesBeside(logPath)
  let start: Start | undefined
  let examples: RunExamples | undefined
  await surviving<PretrainingProgress>('pretraining', options, terminal, async (gpu, lifeline) => {
    if (options.profile) requireTimestamps(gpu)
    const variables = new Variables(gpu)
    start ??= await startOf(
      gpu,
      { own, initialised: weights !== undefined, settings, table, mixture: recipe.mixture },
      inputs,
      options,
      terminal,
    )
    const { model, scans } = start
    if (weights) loadTensors(variables, model.encoder.parameters, weights.tensors, weights.source)
    const planned = settings.epochs
    const learning = { scans, settings, planned, table, grid: inputs.prior.grid, grids }
    examples?.goOnFrom(lifeline.state?.progress.step ?? 0)
    examples ??= await RunExamples.open(examplesPath, learning, undefined)
    const { watch } = examples
    const run = { model, variables, prior: start.prior, settings, table, outputs, watch, logPath }
    const { exitCode, last } = await learnFromScans(gpu, run, scans, options, lifeline, terminal)
    await examples.save()
    const target = join(options.output, weightsName)
    const info = { architecture: model.architecture, table, intensities, training: undefined }
    const grid = trainedGridMetadata(grids.resampled ?? grids.scanGrids[0]!, every)
    await writeWeights(target, variables, model.encoder.parameters, info, undefined, grid)
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
    const outcome = { figures: { lastStep: last }, interrupted: exitCode }
    await assessRun({ ...learnt, examples: { kept: examples, weights: target }, ...outcome }, terminal)
    if (exitCode !== undefined) process.exitCode = exitCode
  })
}

const weightsName = 'pretrained.safetensors'
const logName = 'pretrain.csv'

function outputsOf(
  scans: readonly string[],
  { output, overwrite, prior, labels = [], classes, init }: PretrainOptions,
): Outputs {
  return Outputs.inFolder(output, {
    files: [weightsName, logName, examplesBeside(logName)].map((name) => join(output, name)),
    inputs: [...scans.flatMap(channelFiles), ...labels, prior, tableBeside(prior), classes, init],
    overwrite,
  })
}

function architecture(
  classes: number,
  scans: readonly string[],
  { recipe, instanceNorm = false }: PretrainOptions,
  weights: WeightsFile | undefined,
): Architecture {
  if (!weights) {
    const own = forChannels(recipes[recipe].architecture(classes), channelsOfScans(scans))
    return { ...own, instanceNorm: own.instanceNorm || instanceNorm }
  }
  if (instanceNorm && !weights.info.architecture.instanceNorm) {
    throw new UserError(`${weights.source}: was trained without instance normalisation; drop --instance-norm`)
  }
  return weights.info.architecture
}

interface Start {
  readonly model: Model
  /** With a channel for each part of the model. */
  readonly prior: Prior
  /** With their mixtures, if these are the target. */
  readonly scans: readonly TrainingScan[]
}

/** What pretraining starts from: if the target is a mixture, one is fitted to each scan, and its components are the parts. */
async function startOf(
  gpu: Gpu,
  { own, initialised, settings, table, mixture }: Plan,
  inputs: { readonly scans: readonly TrainingScan[]; readonly prior: Volume },
  { memoryLimit }: PretrainOptions,
  terminal: Terminal,
): Promise<Start> {
  const prior = toPrior(inputs.prior)
  if (settings.target !== 'mixture') {
    return {
      model: createModel(own, settings.seed),
      prior: networkPrior(inputs.prior, own),
      scans: inputs.scans,
    }
  }
  // Weights keep the channels that they have.
  const counts = initialised ? partCountsOf(own) : partCounts(table, mixture.parts)
  const em = { ...emOf(mixture, counts), memoryLimit, channels: channelsOf(own) }
  const mixtures = await fitMixtures(gpu, inputs.scans, prior, table, em, terminal)
  const { architecture, ...start } = initialised
    ? {
        architecture: own,
        prior: networkPrior(inputs.prior, own),
        scans: withMixtures(inputs.scans, mixtures, own.parts),
      }
    : dividedByFits({ architecture: own, prior, scans: inputs.scans }, mixtures, counts)
  return { model: createModel(architecture, settings.seed), ...start }
}

interface Plan {
  /** The network before its classes are divided, or that of the weights. */
  readonly own: Architecture
  /** Whether there are weights. */
  readonly initialised: boolean
  readonly settings: PretrainingSettings
  readonly table: LabelTable
  readonly mixture: Recipe['mixture']
}
