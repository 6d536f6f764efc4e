import { join } from 'node:path'
import type { Command } from 'commander'
import { Variables } from '../../plan/variables.js'
import { UserError } from '../../errors.js'
import type { Gpu } from '../../gpu/gpu.js'
import { writeFileAtomic } from '../../io/files.js'
import { renderCurves } from '../../report/curves.js'
import { renderFigure } from '../../report/figure.js'
import { encodePng } from '../../report/png.js'
import { diceScores, meanDice } from '../../sae/dice.js'
import { foregroundClasses } from '../../sae/label-table.js'
import { createModel, loadTensors, type Model, type NamedTensor } from '../../sae/model.js'
import { phantomTable } from '../../sae/phantom/phantom.js'
import { Pretrainer, type PretrainingStep } from '../../sae/pretrainer.js'
import { priorArgmax } from '../../sae/prior.js'
import { Segmenter, type Segmentation } from '../../sae/segmenter.js'
import { defaultPretraining, defaultTraining } from '../../sae/settings.js'
import { Trainer, type TrainingStep } from '../../sae/trainer.js'
import { CsvLog } from '../csv-log.js'
import { makeDemoData, writeLabels, type DemoData } from '../demo-data.js'
import { peakMemory, withGpu } from '../device.js'
import { follow, logColumns, type Recording } from '../learning.js'
import { terminalOf, wholeNumber, type GlobalOptions } from '../options.js'
import { makeFolder, requireWritableFolder } from '../output-folder.js'
import { Progress } from '../progress.js'
import type { Terminal } from '../terminal.js'

interface DemoOptions extends GlobalOptions {
  output: string
  seed: number
  subjects: number
  size: [number, number, number]
  epochs: number
}

/**
 * A smaller and faster network than the paper's, for phantoms of a few thousand voxels: instance normalisation lets it
 * learn at twenty times the learning rate.
 */
const architecture = { classes: phantomTable.classes.length, widths: [4, 16, 32, 64], instanceNorm: true }
const pretrainingRate = 0.02
const trainingRate = 0.005

/** The two priors that are compared: the paper's headline. */
const runs = [
  { name: 'mrf', title: 'MRF prior', beta: defaultTraining.beta },
  { name: 'independent', title: 'independent prior', beta: 0 },
] as const

const foreground = foregroundClasses(phantomTable)

export function addDemo(program: Command): void {
  program
    .command('demo')
    .summary('learn to segment phantoms: the whole method in a few minutes')
    .description(
      'Makes brain-like phantoms and a prior from one more subject, pretrains, trains with the MRF prior and with the independent one, and shows how the Dice overlap with the truth grows beyond that of the prior itself.',
    )
    .option('-o, --output <folder>', 'folder to write to; made if it is not there', 'demo-output')
    .option('--seed <n>', 'seed of phantoms, first weights and noise', wholeNumber(0), 1)
    .option('--subjects <n>', 'phantoms to learn from', wholeNumber(1, 100), 3)
    .option('--size <d,h,w>', 'voxels along each axis, 16 or more', parseSize, [24, 32, 32])
    .option(
      '--epochs <n>',
      'passes over the phantoms in pretraining; two thirds as many in either training',
      wholeNumber(1),
      45,
    )
    .addHelpText(
      'after',
      `
Writes to the output folder:
  figure.png      scan, prior, posterior, segmentation, truth and reconstruction of the first phantom
  curves.svg      Dice by epoch with either prior
  *.nii.gz        phantoms, truths, the prior, and segmentations with either prior
  *.csv           a row for every step of the three runs`,
    )
    .action(async (_: unknown, self: Command) => {
      await demo(self.optsWithGlobals<DemoOptions>(), terminalOf(self))
    })
}

async function demo(options: DemoOptions, terminal: Terminal): Promise<void> {
  const { output, seed, size, subjects } = options
  requireWritableFolder(output)
  await withGpu(options, terminal, async (gpu) => {
    makeFolder(output)
    const data = await makeDemoData(output, size, subjects, seed)
    const priorDice = priorScore(data)
    terminal.status(
      `${subjects} phantoms of ${size.join('x')} voxels and a prior from one more subject, in ${output}/`,
    )
    terminal.status(
      `Dice of the prior's own argmax, mean over phantoms and regions: ${priorDice.toFixed(3)}\n`,
    )

    const start = await pretrain(gpu, data, options, terminal)
    const curves: number[][] = []
    for (const run of start ? runs : []) {
      const curve = await train(gpu, data, start!, run, options, terminal)
      if (!curve) return
      curves.push(curve)
    }
    if (!start) return
    printCurves(curves, priorDice, terminal)
    await writeCurves(output, curves, priorDice)
    terminal.status(`\nPicture: ${join(output, 'figure.png')}; curves: ${join(output, 'curves.svg')}`)
    terminal.status(peakMemory(gpu))
  })
}

/** Mean Dice of the prior's most probable classes with every phantom. */
function priorScore({ scans, prior }: DemoData): number {
  const argmax = priorArgmax(prior.data, prior.classes)
  return mean(scans.map(({ truth }) => meanDice(diceScores(argmax, truth, prior.classes), foreground)))
}

/** Pretrains and returns the weights; undefined where the user stopped it. */
async function pretrain(
  gpu: Gpu,
  { scans, prior }: DemoData,
  { output, seed, epochs }: DemoOptions,
  terminal: Terminal,
): Promise<Map<string, NamedTensor> | undefined> {
  terminal.status('Pretraining: the encoder learns to answer every phantom with the prior')
  const model = createModel(architecture, seed)
  const variables = new Variables(gpu)
  const settings = { ...defaultPretraining, epochs, seed, learningRate: pretrainingRate }
  const pretrainer = new Pretrainer(gpu, model, variables, prior, settings)
  const recording: Recording<PretrainingStep> = {
    columns: { cross_entropy: (step) => step.crossEntropy },
    shown: ['cross_entropy', 'mean_dice'],
    dice: phantomTable,
  }
  const log = await CsvLog.create(join(output, 'pretrain.csv'), logColumns(recording))
  const progress = new Progress(terminal, epochs, scans.length)
  process.exitCode = await follow((run) => pretrainer.train(scans, run), recording, log, progress)
  warnIfInterrupted(terminal)
  pretrainer.dispose()
  const tensors = await variables.readAll(model.parameters)
  variables.dispose()
  return process.exitCode === undefined ? tensors : undefined
}

/** Trains with one of the priors, writes the segmentations, and returns the mean Dice of every epoch. */
async function train(
  gpu: Gpu,
  data: DemoData,
  start: ReadonlyMap<string, NamedTensor>,
  { name, title, beta }: (typeof runs)[number],
  { output, seed, epochs: pretrainingEpochs }: DemoOptions,
  terminal: Terminal,
): Promise<number[] | undefined> {
  const epochs = Math.ceil((2 * pretrainingEpochs) / 3)
  terminal.status(`\nTraining with the ${title} (beta ${beta})`)
  const { scans, prior } = data
  const model = createModel(architecture, seed)
  const variables = new Variables(gpu)
  loadTensors(variables, model.parameters, start, 'pretraining')
  const settings = { ...defaultTraining, epochs, seed, beta, learningRate: trainingRate }
  const trainer = new Trainer(gpu, model, variables, prior, settings)
  const recording: Recording<TrainingStep> = {
    columns: {
      loss: (step) => step.loss,
      reconstruction: (step) => step.reconstructionLoss,
      kl: (step) => step.klLoss,
      mrf: (step) => step.mrfLoss,
      mse: (step) => step.meanSquaredError,
      weight: (step) => step.weight,
      sigma: (step) => step.sigma,
    },
    shown: ['loss', 'mse', 'mean_dice'],
    dice: phantomTable,
  }
  const log = await CsvLog.create(join(output, `train-${name}.csv`), logColumns(recording))
  const progress = new Progress(terminal, epochs, scans.length)
  const perEpoch: number[][] = []
  process.exitCode = await follow(
    (run) => trainer.train(scans, run),
    recording,
    log,
    progress,
    ({ epoch, dice }) => {
      ;(perEpoch[epoch - 1] ??= []).push(meanDice(dice!, foreground))
      return Promise.resolve(false)
    },
  )
  warnIfInterrupted(terminal)
  trainer.dispose()
  if (process.exitCode === undefined) await segmentAll(gpu, data, model, variables, name, output)
  variables.dispose()
  return process.exitCode === undefined ? perEpoch.map(mean) : undefined
}

async function segmentAll(
  gpu: Gpu,
  data: DemoData,
  model: Model,
  variables: Variables,
  name: string,
  output: string,
): Promise<void> {
  const { scans, prior, grid } = data
  const wanted = { posterior: true, reconstruction: true }
  const segmenter = await Segmenter.create(gpu, model, variables, prior, wanted)
  for (const [i, scan] of scans.entries()) {
    const result = await segmenter.segment(scan.data)
    await writeLabels(join(output, `${scan.name}_desc-${name}_dseg.nii.gz`), result.classes, grid)
    if (i === 0 && name === 'mrf') await writeFigure(output, data, result)
  }
  segmenter.dispose()
}

/** The first phantom: what went in, what came out, and what it should be. */
async function writeFigure(
  output: string,
  { scans, prior, grid }: DemoData,
  result: Segmentation,
): Promise<void> {
  const { data, truth } = scans[0]!
  const picture = renderFigure(
    [
      { kind: 'intensity', title: 'scan', values: data },
      { kind: 'probabilities', title: 'prior', values: prior.data },
      { kind: 'probabilities', title: 'posterior', values: result.posterior! },
      { kind: 'labels', title: 'segmentation', values: result.classes },
      { kind: 'labels', title: 'truth', values: truth },
      { kind: 'intensity', title: 'reconstruction', values: result.reconstruction! },
    ],
    { shape: grid.shape, classNames: phantomTable.classes.map(({ name }) => name) },
  )
  await writeFileAtomic(join(output, 'figure.png'), encodePng(picture))
}

function printCurves(curves: readonly (readonly number[])[], priorDice: number, terminal: Terminal): void {
  const epochs = curves[0]!.length
  const every = Math.max(1, Math.ceil(epochs / 10))
  terminal.print(`\nmean Dice by epoch (the prior's own argmax: ${priorDice.toFixed(3)})`)
  terminal.print(['epoch'.padStart(6), ...runs.map(({ title }) => title.padStart(20))].join(''))
  for (let epoch = 1; epoch <= epochs; epoch++) {
    if (epoch > 1 && epoch < epochs && epoch % every !== 0) continue
    const values = curves.map((curve) => curve[epoch - 1]!.toFixed(3).padStart(20))
    terminal.print([String(epoch).padStart(6), ...values].join(''))
  }
}

async function writeCurves(
  output: string,
  curves: readonly (readonly number[])[],
  priorDice: number,
): Promise<void> {
  const x = curves[0]!.map((_, i) => i + 1)
  const svg = renderCurves({
    title: 'Overlap with the truth while training',
    series: [
      ...curves.map((values, i) => ({ name: runs[i]!.title, values, x })),
      { name: "the prior's own argmax", values: x.map(() => priorDice), x },
    ],
    xLabel: 'epoch',
    yLabel: 'mean Dice',
  })
  await writeFileAtomic(join(output, 'curves.svg'), new TextEncoder().encode(svg))
}

function warnIfInterrupted(terminal: Terminal): void {
  if (process.exitCode !== undefined) terminal.warn('interrupted: neither curves nor picture were made')
}

function parseSize(text: string): [number, number, number] {
  const size = text.split(/[,x]/).map(Number)
  if (size.length !== 3 || !size.every((n) => Number.isInteger(n) && n >= 16 && n <= 512)) {
    throw new UserError(
      `option '--size': "${text}" is not three whole numbers from 16 to 512, such as 24,32,32`,
    )
  }
  return size as [number, number, number]
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
