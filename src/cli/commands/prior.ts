import { Option, type Command } from 'commander'
import { UserError } from '../../errors.js'
import { readVolume, readVolumeHeader } from '../../io/files.js'
import { requireFinite, voxelSize, type Grid, type LabelVolume, type VolumeHeader } from '../../io/volume.js'
import { foregroundClasses, type LabelTable } from '../../sae/label-table.js'
import { normalisePrior } from '../../sae/prior.js'
import { blurPrior, floorPrior, priorFromLabels } from '../../sae/prior-from-labels.js'
import type { SpatialShape } from '../../sae/separable-filter.js'
import { absentClasses, formatShares } from '../class-shares.js'
import { requireSameClasses, tableFor } from '../classes.js'
import { besideVolume } from '../file-names.js'
import { GridCheck } from '../grid-check.js'
import { readLabels } from '../inputs.js'
import {
  classesOfMap,
  dsegTable,
  tableOfMap,
  valuesOf,
  warnOfBareClasses,
  type MapTable,
} from '../label-maps.js'
import {
  byIndexOption,
  volumeOption,
  classesOption,
  overwriteOption,
  realNumber,
  terminalOf,
  wholeNumber,
} from '../options.js'
import { Outputs } from '../output-files.js'
import { placed } from '../placement.js'
import { readTable, tablePath, writePrior } from '../prior-file.js'
import { sampledGrid, subsample } from '../subsample.js'
import type { Terminal } from '../terminal.js'

export interface PriorCommandOptions {
  output: string
  blur?: number
  floor: number
  every: number
  classes?: string
  overwrite?: boolean
  matchByIndex: boolean
  volume?: number
}

export function addPrior(program: Command): void {
  program
    .command('prior')
    .summary('make a prior from label maps or from an atlas')
    .description('Makes a prior: the probability of every class at every voxel, before any scan is seen.')
    .argument('<files...>', 'label maps, or one atlas: NIfTI, .mgz, .npz or another format that is read')
    .addOption(
      new Option('-o, --output <file>', 'prior to write (.nii.gz, .nii, .mgz, .npz)').makeOptionMandatory(),
    )
    .addOption(overwriteOption())
    .addOption(
      new Option(
        '--blur <mm>',
        'standard deviation of the Gaussian blur in millimetres, at most 100 voxels; 0 for no blur (default: 1.5 for label maps, 0 for an atlas). To train from one label map, 4 is best',
      ).argParser(realNumber('not negative')),
    )
    .addOption(
      new Option(
        '--floor <p>',
        'set probabilities below this to 0, which rules the class out there (0 or more, below 1/classes)',
      )
        .argParser(realNumber('not negative'))
        .default(0),
    )
    .addOption(
      new Option('--every <n>', 'keep every n-th voxel along each axis, after blurring')
        .argParser(wholeNumber(1))
        .default(1),
    )
    .addOption(classesOption())
    .addOption(byIndexOption())
    .addOption(volumeOption())
    .addHelpText(
      'after',
      `
From one label map: each class as 0 or 1, blurred. From several label maps on one grid: the mean of their priors. From
an atlas (one image with a channel per class): its probabilities, normalised; its .json or .tsv, or --classes, says what
the channels are.
The .json next to the prior holds its table of classes; the other commands read it.

Example:
  sae prior other-subject-labels.npz --blur 4 -o prior.nii.gz`,
    )
    .action(async (files: string[], options: PriorCommandOptions, command: Command) => {
      await makePrior(files, options, terminalOf(command))
    })
}

/** Makes a prior from label maps or an atlas. @throws UserError if an input is wrong or an output is in the way */
export async function makePrior(
  files: readonly string[],
  options: PriorCommandOptions,
  terminal: Terminal,
): Promise<void> {
  const { output, classes, overwrite } = options
  const tables = files.flatMap((file) => [besideVolume(file, '.tsv'), besideVolume(file, '.json')])
  const outputs = Outputs.ofFile(output, {
    files: [output, tablePath(output)],
    inputs: [...files, ...tables, classes],
    overwrite,
  })
  await outputs.requireFree()
  // Headers first: to unpack a file takes seconds.
  const headers: VolumeHeader[] = []
  for (const file of files) headers.push(await readVolumeHeader(file, { volume: options.volume }))
  const atlas = headers.find(({ channels }) => channels > 1)
  if (atlas && headers.length > 1) {
    throw new UserError(
      `${atlas.source}: has several channels, so it is an atlas; give one atlas, or only label maps, or choose a volume of each with --volume`,
    )
  }
  const { blur = atlas ? 0 : 1.5, floor, every } = options
  const whole = headers[0]!.grid
  const sigma = blurInVoxels(blur, whole)
  if (blur === 0 && !atlas && headers.length === 1) {
    terminal.warn(
      `${files[0]!}: without a blur, one label map allows only one class at each voxel, so every segmentation will equal it; try --blur 4`,
    )
  }
  const { prior, table, voxels } = atlas
    ? await fromAtlas(atlas, options.classes, sigma, every, terminal)
    : await fromLabelMaps(headers, options, sigma, terminal)
  if (floor > 0) floorPrior(prior, table.classes.length, floor)

  if (blur > 0 && !whole.known && !whole.header) {
    terminal.note(`${files[0]!}: does not state its voxel size; --blur assumes 1 mm`)
  }
  await outputs.claim()
  const grid = sampledGrid(whole, every)
  const volume = { data: prior, channels: table.classes.length, grid, source: output }
  await writePrior(output, volume, table, { sources: files, blur, floor, every })
  terminal.status(formatShares(table, voxels))
  const absent = absentClasses(table, voxels, foregroundClasses(table))
  if (absent.length > 0)
    terminal.warn(`no voxel of ${absent.join(', ')}: segmentations with this prior have none either`)
  terminal.status(`Prior of ${volume.channels} classes on ${grid.shape.join('x')} voxels: ${output}`)
}

/** A prior, its classes, and how many voxels of its sources each class has, on average. */
interface MadePrior {
  readonly prior: Float32Array
  readonly table: LabelTable
  readonly voxels: readonly number[]
}

/** @throws UserError if a volume of one channel holds probabilities, as those that FAST, SPM and Atropos write */
function requireNoTissueMap({ data, source }: LabelVolume): void {
  if (data.every((value) => Number.isInteger(value)) || !data.every((value) => value >= 0 && value <= 1))
    return
  throw new UserError(
    `${source}: holds fractions from 0 to 1, as the map of one tissue does; stack the maps of all tissues, the background first, into one image of four axes (fslmerge -t) and give that`,
  )
}

/** A blur in millimetres as voxels along D, H, W. */
function blurInVoxels(blur: number, { affine }: Grid): SpatialShape {
  // Sizes computed from a rotation carry rounding errors; the radius of the blur must not depend on them.
  const [d, h, w] = voxelSize(affine)
  const inVoxels = (size: number): number => blur / Number(size.toPrecision(5))
  return [inVoxels(d), inVoxels(h), inVoxels(w)]
}

/** The mean over subjects of their blurred one-hot maps. */
async function fromLabelMaps(
  headers: readonly VolumeHeader[],
  { classes, every, matchByIndex, volume }: PriorCommandOptions,
  sigma: SpatialShape,
  terminal: Terminal,
): Promise<MadePrior> {
  const [first, ...others] = headers as [VolumeHeader, ...VolumeHeader[]]
  const check = new GridCheck({ matchByIndex, resample: undefined })
  const placements = others.map((other) => check.match(other, first, 'the label maps'))
  check.conclude(terminal)
  const tables: MapTable[] = []
  for (const { source } of headers) tables.push(await tableOfMap(source, classes))
  for (const other of tables) requireSameClasses(tables[0]!, other)
  const { table } = tables[0]!
  const K = table.classes.length
  const voxels = table.classes.map(() => 0)
  let prior: Float32Array | undefined
  for (const [i, { source }] of headers.entries()) {
    const map = await readLabels(source, terminal, volume)
    requireNoTissueMap(map)
    const described = tables[i]!
    if (described.assumed && valuesOf(map, described) === 'codes') warnOfBareClasses(map, terminal)
    const classified = classesOfMap(i === 0 ? map : placed(map, placements[i - 1]!), described, terminal)
    const own = priorFromLabels(classified.classes, first.grid.shape, K, { sigma, every })
    if (prior) for (let at = 0; at < own.length; at++) prior[at]! += own[at]!
    else prior = own
    classified.voxels.forEach((count, c) => (voxels[c]! += count / headers.length))
  }
  if (others.length > 0) for (let at = 0; at < prior!.length; at++) prior![at]! /= headers.length
  return { prior: prior!, table, voxels }
}

async function fromAtlas(
  { source, channels }: VolumeHeader,
  classes: string | undefined,
  sigma: SpatialShape,
  every: number,
  terminal: Terminal,
): Promise<MadePrior> {
  const table = await tableOfAtlas(source, channels, classes, terminal)
  const atlas = await readVolume(source)
  for (const warning of atlas.warnings ?? []) terminal.warn(warning)
  requireFinite(atlas)
  const { data, grid } = atlas
  const negative = data.findIndex((value) => value < 0)
  if (negative !== -1)
    throw new UserError(`${source}: contains ${data[negative]!}, but probabilities cannot be negative`)
  const blurred = { ...atlas, data: blurPrior(data, grid.shape, channels, sigma) }
  const prior = normalisePrior(subsample(blurred, every).data, channels, source)
  const size = prior.length / channels
  const voxels = table.classes.map((_, c) => {
    return every ** 3 * prior.subarray(c * size, (c + 1) * size).reduce((sum, p) => sum + p, 0)
  })
  return { prior, table, voxels }
}

/** What the channels of an atlas are: by --classes, or by the table beside it. */
async function tableOfAtlas(
  source: string,
  channels: number,
  asked: string | undefined,
  terminal: Terminal,
): Promise<LabelTable> {
  const beside = [
    await readTable(besideVolume(source, '.json')),
    await dsegTable(besideVolume(source, '.tsv')),
  ]
  if (asked === undefined && beside.every((table) => table === undefined)) {
    throw new UserError(
      `${source}: nothing says what its ${channels} channels are; give --classes: their table, in the order of the channels, or freesurfer if they are those of its table`,
    )
  }
  return tableFor(channels, source, asked, beside, terminal)
}
