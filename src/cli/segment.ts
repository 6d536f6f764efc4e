import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Option, type Command } from 'commander'
import type { Precision } from '../autograd/stored.js'
import { Variables } from '../autograd/variables.js'
import { writeFileAtomic, writeVolume } from '../io/files.js'
import { formatShape, requireSameGrid, type Volume } from '../io/volume.js'
import { boxShape } from '../ops/box.js'
import { toCodes, type LabelTable } from '../sae/label-table.js'
import { checkTensors, createModel, loadTensors } from '../sae/model.js'
import { Segmenter, type Segmentation } from '../sae/segmenter.js'
import { defaultTraining } from '../sae/settings.js'
import { tableFor } from './classes.js'
import { describePreparation, peakMemory, withGpu } from './device.js'
import { formatDsegTable, type LabelValues } from './dseg-table.js'
import { subjectNames } from './file-names.js'
import { readScan } from './inputs.js'
import {
  classesOption,
  folderOption,
  memoryOption,
  precisionOption,
  oddNumber,
  priorOption,
  realNumber,
  terminalOf,
  wholeNumber,
  type GlobalOptions,
} from './options.js'
import { makeFolder, requireWritableFolder } from './output-folder.js'
import { readPrior, toPrior } from './prior-file.js'
import { Terminal } from './terminal.js'
import { readWeights, requireClasses } from './weights-file.js'

interface SegmentOptions extends GlobalOptions {
  weights: string
  prior: string
  output: string
  posterior?: boolean
  refine: number
  beta: number
  k: number
  labelsOut: LabelValues
  classes?: string
  keepExisting?: boolean
  memoryLimit?: number
  precision: Precision
  wholeGrid?: boolean
}

export function addSegment(program: Command): void {
  program
    .command('segment')
    .summary('segment scans with trained weights')
    .description(
      'Segments each scan: at every voxel the most probable class among those that the prior allows there.',
    )
    .argument('<scans...>', 'skull-stripped scans on the grid of the prior, in any units')
    .addOption(
      new Option(
        '--weights <file>',
        "trained weights: ours, or the reference release's (.safetensors, .pth.tar)",
      ).makeOptionMandatory(),
    )
    .addOption(priorOption())
    .addOption(folderOption())
    .option('--posterior', 'write the probabilities too')
    .addOption(
      new Option('--refine <rounds>', 'rounds of mean-field refinement with the MRF prior')
        .argParser(wholeNumber(0, 1000))
        .default(0),
    )
    .addOption(
      new Option('--beta <weight>', 'weight of the MRF prior in the refinement')
        .argParser(realNumber('not negative'))
        .default(defaultTraining.beta),
    )
    .addOption(
      new Option('--k <voxels>', "edge length of the MRF's neighbourhood in the refinement, odd, 3 to 21")
        .argParser(oddNumber)
        .default(defaultTraining.neighbourhood),
    )
    .addOption(
      new Option(
        '--labels-out <values>',
        'what voxels hold: label codes (left ones where a class has two sides), or classes 0..K-1',
      )
        .choices(['codes', 'classes'])
        .default('codes'),
    )
    .addOption(classesOption())
    .addOption(memoryOption('0.7GB'))
    .addOption(precisionOption())
    .option(
      '--whole-grid',
      'compute everywhere, not only where the prior allows more than the background: slower, to the same result',
    )
    .option('--keep-existing', 'leave out scans whose segmentation is there already')
    .addHelpText(
      'after',
      `
Writes to the output folder, on the grid of each scan and placed as it is:
  NAME_dseg.nii.gz     the segmentation
  NAME_dseg.tsv        what its values mean (BIDS)
  NAME_probseg.nii.gz  with --posterior: the probability of each class

Example:
  sae segment scan.nii.gz --weights run/best.safetensors --prior prior.nii.gz -o out/`,
    )
    .action(async (scans: string[], _: unknown, self: Command) => {
      const terminal = terminalOf(self)
      const options = self.optsWithGlobals<SegmentOptions>()
      if (options.refine === 0 && ['beta', 'k'].some((name) => self.getOptionValueSource(name) === 'cli')) {
        terminal.warn('--beta and --k have no effect without --refine')
      }
      await segment(scans, options, terminal)
    })
}

interface Job {
  readonly scan: string
  /** Path of the outputs, up to `_dseg.nii.gz`. */
  readonly stem: string
}

async function segment(paths: string[], options: SegmentOptions, terminal: Terminal): Promise<void> {
  requireWritableFolder(options.output)
  const all = subjectNames(paths).map((name, i): Job => ({
    scan: paths[i]!,
    stem: join(options.output, name),
  }))
  const jobs = options.keepExisting ? all.filter(({ stem }) => !existsSync(`${stem}_dseg.nii.gz`)) : all
  if (jobs.length < all.length)
    terminal.status(`${all.length - jobs.length} of ${all.length} scans are segmented already.`)
  if (jobs.length === 0) return

  const weights = await readWeights(options.weights)
  const priorFile = await readPrior(options.prior, terminal)
  const { channels } = priorFile.volume
  requireClasses(weights, channels, options.prior)
  const table = await tableFor(channels, options.prior, options.classes, [priorFile.table, weights.table])
  const { architecture, intensities } = weights.info
  const model = createModel(architecture)
  checkTensors(model.encoder.parameters, weights.tensors, weights.source)
  // All scans are looked at before the first is segmented, and read again then: a cohort does not fit into memory.
  const misplaced: (string | undefined)[] = []
  for (const { scan } of jobs) {
    const volume = await readScan(scan, intensities, terminal)
    misplaced.push(requireSameGrid(priorFile.volume, volume, 'the prior and the scan'))
  }
  terminal.warnOnce(misplaced)

  await withGpu(options, terminal, async (gpu) => {
    const variables = new Variables(gpu)
    loadTensors(variables, model.encoder.parameters, weights.tensors, weights.source)
    const segmenter = await Segmenter.create(gpu, model, variables, toPrior(priorFile.volume), {
      posterior: options.posterior ?? false,
      rounds: options.refine,
      beta: options.beta,
      neighbourhood: options.k,
      memoryLimit: options.memoryLimit,
      precision: options.precision,
      wholeGrid: options.wholeGrid ?? false,
    })
    terminal.note(describeRegion(segmenter, priorFile.volume.grid.shape))
    terminal.note(describePreparation(segmenter.preparation, options.memoryLimit))
    makeFolder(options.output)
    for (const job of jobs) {
      const start = performance.now()
      const scan = await readScan(job.scan, intensities, silent)
      await write(job.stem, await segmenter.segment(scan.data), scan, table, options.labelsOut)
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      terminal.status(`${job.scan} -> ${job.stem}_dseg.nii.gz (${seconds} s)`)
    }
    terminal.status(peakMemory(gpu))
  })
}

/** `region: 152x158x192 of 160x192x224 voxels; the prior allows only the background elsewhere` */
function describeRegion({ region }: Segmenter, shape: readonly [number, number, number]): string {
  if (!region) return `region: all ${formatShape(shape)} voxels`
  const part = formatShape(boxShape(region))
  return `region: ${part} of ${formatShape(shape)} voxels; the prior allows only the background elsewhere`
}

/** Notes and warnings came when the scan was first read. */
const silent = new Terminal('silent')

async function write(
  stem: string,
  { classes, posterior }: Segmentation,
  { grid, source }: Volume,
  table: LabelTable,
  values: LabelValues,
): Promise<void> {
  const labels = Float32Array.from(values === 'codes' ? toCodes(classes, table) : classes)
  const highest = labels.reduce((most, label) => Math.max(most, label), 0)
  const type = highest < 256 ? 'uint8' : highest < 32768 ? 'int16' : 'float32'
  if (posterior) {
    const volume = { data: posterior, channels: table.classes.length, grid, source }
    await writeVolume(`${stem}_probseg.nii.gz`, volume, 'float32')
  }
  await writeFileAtomic(`${stem}_dseg.tsv`, new TextEncoder().encode(formatDsegTable(table, values)))
  // Last: --keep-existing takes it for the sign that a scan is done.
  await writeVolume(`${stem}_dseg.nii.gz`, { data: labels, channels: 1, grid, source }, type)
}
