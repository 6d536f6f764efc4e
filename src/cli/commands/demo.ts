import { join } from 'node:path'
import type { Command } from 'commander'
import { UserError } from '../../errors.js'
import type { Gpu } from '../../gpu/gpu.js'
import type { Variables } from '../../plan/variables.js'
import { diceScores, meanDice } from '../../sae/metrics/dice.js'
import { ExpectationMaximisation } from '../../sae/mixture/em.js'
import { foregroundClasses } from '../../sae/labels/label-table.js'
import { phantomTable } from '../../sae/phantom/phantom.js'
import { priorArgmax } from '../../sae/prior/prior.js'
import { recipes } from '../../sae/recipes.js'
import { Segmenter } from '../../sae/segmenter.js'
import { demoName, makeDemoData, writeLabels, type DemoData } from '../demo/demo-data.js'
import { startDemo, trainDemo, type DemoSettings, type DemoStart } from '../demo/demo-learning.js'
import { printCurves, writeCurves, writeFigure, type Curve } from '../demo/demo-report.js'
import { peakMemory, withGpu } from '../device.js'
import { overwriteOption, terminalOf, wholeNumber, type GlobalOptions } from '../options.js'
import { Outputs } from '../outputs/output-files.js'
import type { Terminal } from '../terminal.js'

interface DemoOptions extends GlobalOptions, DemoSettings {
  readonly subjects: number
  readonly size: [number, number, number]
  readonly overwrite?: boolean
}

/** The two priors to compare: the headline result of the paper. */
const runs = [
  { name: 'mrf', title: 'MRF prior', beta: recipes.default.training.settings.beta },
  { name: 'independent', title: 'independent prior', beta: 0 },
] as const

export function addDemo(program: Command): void {
  program
    .command('demo')
    .summary('learn to segment phantoms: the whole method in a few minutes')
    .description(
      'Makes brain-like phantoms, and a prior from one more phantom. Pretrains, trains once with the MRF prior and once with an independent prior, and prints the Dice overlap with the truth next to that of EM and of the prior itself.',
    )
    .option('-o, --output <folder>', 'output folder, created if missing', 'demo-output')
    .addOption(overwriteOption())
    .option('--seed <n>', 'seed of phantoms, initial weights and noise', wholeNumber(0), 1)
    .option('--subjects <n>', 'number of phantoms to learn from', wholeNumber(1, 100), 3)
    .option('--size <d,h,w>', 'voxels along each axis, 16 or more', parseSize, [24, 32, 32])
    .option(
      '--epochs <n>',
      'epochs of pretraining; each of the two trainings runs three quarters as many',
      wholeNumber(1),
      30,
    )
    .addHelpText(
      'after',
      `
Writes to the output folder:
  figure.png      the first phantom: scan, prior, posterior, segmentation, truth and reconstruction
  curves.svg      Dice after each epoch, with each prior
  *.nii.gz        phantoms, truths, the prior, and the segmentations with each prior
  *.csv           one row per step of each run`,
    )
    .action(async (_: unknown, self: Command) => {
      await demo(self.optsWithGlobals<DemoOptions>(), terminalOf(self))
    })
}

async function demo(options: DemoOptions, terminal: Terminal): Promise<void> {
  const { output, seed, size, subjects } = options
  const outputs = Outputs.inFolder(output, {
    files: demoFiles(subjects).map((name) => join(output, name)),
    inputs: [],
    overwrite: options.overwrite,
  })
  await outputs.requireFree()
  await withGpu(options, terminal, async (gpu) => {
    await outputs.claim()
    const data = await makeDemoData(output, size, subjects, seed)
    const argmax = priorArgmax(data.prior.data, data.prior.classes)
    const baselines = { prior: score(data, () => argmax), em: await emScore(gpu, data) }
    terminal.status(
      `${subjects} phantoms of ${size.join('x')} voxels and a prior from one more subject, in ${output}/`,
    )
    terminal.status(
      `Mean Dice over phantoms and regions: ${baselines.prior.toFixed(3)} for the prior's own argmax, ${baselines.em.toFixed(3)} for EM\n`,
    )
    const start = await startDemo(gpu, data, options, terminal)
    const curves = start && (await trainBoth(gpu, data, start, options, terminal))
    if (!curves) {
      terminal.warn('interrupted: curves.svg and figure.png were not written')
      return
    }
    printCurves(curves, baselines, terminal)
    await writeCurves(join(output, 'curves.svg'), curves, baselines)
    terminal.status(`\nPicture: ${join(output, 'figure.png')}; curves: ${join(output, 'curves.svg')}`)
    terminal.status(peakMemory(gpu))
  })
}

function demoFiles(subjects: number): string[] {
  const common = ['prior-subject_labels.nii.gz', 'prior.nii.gz', 'prior.json', 'pretrain.csv']
  const results = [...runs.map(({ name }) => `train-${name}.csv`), 'curves.svg', 'figure.png']
  const endings = ['T1w', 'truth', ...runs.map(({ name }) => `desc-${name}_dseg`)]
  const ofSubjects = Array.from({ length: subjects }, (_, i) =>
    endings.map((ending) => `${demoName(i)}_${ending}.nii.gz`),
  )
  return [...common, ...results, ...ofSubjects.flat()]
}

/** Trains with each prior and writes the segmentations; undefined if the user stopped it. */
async function trainBoth(
  gpu: Gpu,
  data: DemoData,
  start: DemoStart,
  options: DemoOptions,
  terminal: Terminal,
): Promise<Curve[] | undefined> {
  const curves: Curve[] = []
  for (const run of runs) {
    terminal.status(`\nTraining with the ${run.title} (beta ${run.beta})`)
    const training = await trainDemo(gpu, start, run, options, terminal)
    if (!training) return undefined
    const { variables, dice } = training
    await segmentAll(gpu, data, start, variables, run.name, options.output)
    variables.dispose()
    curves.push({ title: run.title, dice })
  }
  return curves
}

async function segmentAll(
  gpu: Gpu,
  data: DemoData,
  { model, prior }: DemoStart,
  variables: Variables,
  name: string,
  output: string,
): Promise<void> {
  const wanted = { posterior: true, reconstruction: true }
  const segmenter = await Segmenter.create(gpu, model, variables, prior, wanted)
  for (const [i, scan] of data.scans.entries()) {
    const result = await segmenter.segment(scan.data)
    await writeLabels(join(output, `${scan.name}_desc-${name}_dseg.nii.gz`), result.classes, data.grid)
    if (i === 0 && name === 'mrf') await writeFigure(output, data, result)
  }
  segmenter.dispose()
}

/** Mean Dice of a segmentation of every phantom. */
function score({ scans, prior }: DemoData, segmentation: (scan: number) => Uint8Array): number {
  const foreground = foregroundClasses(phantomTable)
  const scores = scans.map(({ truth }, i) =>
    meanDice(diceScores(segmentation(i), truth, prior.classes), foreground),
  )
  return scores.reduce((sum, value) => sum + value, 0) / scores.length
}

async function emScore(gpu: Gpu, data: DemoData): Promise<number> {
  const em = await ExpectationMaximisation.create(gpu, data.prior)
  const segmentations: Uint8Array[] = []
  for (const scan of data.scans) segmentations.push((await em.run(scan.data)).classes)
  em.dispose()
  return score(data, (i) => segmentations[i]!)
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
