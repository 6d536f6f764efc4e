import { Option, type Command } from 'commander'
import { UserError } from '../../errors.js'
import { readVolume, readVolumeShape } from '../../io/files.js'
import { requireFinite, requireSameGrid, voxelSize, type Grid, type Volume } from '../../io/volume.js'
import { freeSurferTable, toClasses, type LabelTable } from '../../sae/label-table.js'
import { normalisePrior } from '../../sae/prior.js'
import { blurPrior, floorPrior, priorFromLabels } from '../../sae/prior-from-labels.js'
import type { SpatialShape } from '../../sae/separable-filter.js'
import { readClasses, tableFor } from '../classes.js'
import { classesOption, overwriteOption, realNumber, terminalOf, wholeNumber } from '../options.js'
import { Outputs } from '../output-files.js'
import { tablePath, writePrior } from '../prior-file.js'
import { sampledGrid, subsample } from '../subsample.js'
import type { Terminal } from '../terminal.js'

interface PriorCommandOptions {
  output: string
  blur?: number
  floor: number
  every: number
  classes?: string
  overwrite?: boolean
}

export function addPrior(program: Command): void {
  program
    .command('prior')
    .summary('make a prior from label maps or from an atlas')
    .description('Makes a prior: the probability of every class at every voxel, before any scan is seen.')
    .argument('<files...>', 'label maps, or one atlas (.nii, .nii.gz, .npz)')
    .addOption(
      new Option('-o, --output <file>', 'prior to write (.nii.gz, .nii, .npz)').makeOptionMandatory(),
    )
    .addOption(overwriteOption())
    .addOption(
      new Option(
        '--blur <mm>',
        'standard deviation of the Gaussian blur in millimetres, at most 100 voxels; 0 for no blur (default: 1.5 for label maps, 0 for an atlas)',
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
    .addHelpText(
      'after',
      `
From one label map: each class as 0 or 1, blurred. From several label maps on one grid: the mean of their priors. From
an atlas (one image with a channel per class): its probabilities, normalised.
The .json next to the prior holds its table of classes; the other commands read it.

Example:
  sae prior other-subject-labels.npz --blur 1.5 -o prior.nii.gz`,
    )
    .action(async (files: string[], options: PriorCommandOptions, command: Command) => {
      await makePrior(files, options, terminalOf(command))
    })
}

async function makePrior(files: string[], options: PriorCommandOptions, terminal: Terminal): Promise<void> {
  const { output, floor, every, classes, overwrite } = options
  const outputs = Outputs.ofFile(output, {
    files: [output, tablePath(output)],
    inputs: [...files, classes],
    overwrite,
  })
  await outputs.requireFree()
  const volumes = await readAll(files, terminal)
  const atlas = volumes.find(({ channels }) => channels > 1)
  if (atlas && volumes.length > 1) {
    throw new UserError(
      `${atlas.source}: has several channels, so it is an atlas; give one atlas, or only label maps`,
    )
  }
  const { blur = atlas ? 0 : 1.5 } = options
  const sigma = blurInVoxels(blur, volumes[0]!.grid)
  if (blur === 0 && !atlas && volumes.length === 1) {
    terminal.warn(
      `${files[0]!}: without a blur, one label map allows only one class at each voxel, so every segmentation will equal it; try --blur 1.5`,
    )
  }
  const table = atlas
    ? await tableFor(atlas.channels, atlas.source, options.classes, [])
    : await readClasses(options.classes ?? 'freesurfer')
  if (!atlas) volumes.forEach(requireNoTissueMap)
  if (!atlas && options.classes === undefined) warnOfBareClasses(volumes, terminal)
  const prior = atlas ? fromAtlas(atlas, sigma, every) : fromLabelMaps(volumes, table, sigma, every)
  if (floor > 0) floorPrior(prior, table.classes.length, floor)

  const { known, header } = volumes[0]!.grid
  if (blur > 0 && !known && !header) {
    terminal.note(`${files[0]!}: does not state its voxel size; --blur assumes 1 mm`)
  }
  await outputs.claim()
  const grid = sampledGrid(volumes[0]!.grid, every)
  const volume = { data: prior, channels: table.classes.length, grid, source: output }
  await writePrior(output, volume, table, { sources: files, blur, floor, every })
  terminal.status(`Prior of ${volume.channels} classes on ${grid.shape.join('x')} voxels: ${output}`)
}

async function readAll(files: readonly string[], terminal: Terminal): Promise<Volume[]> {
  // Headers first: to unpack a file takes seconds.
  for (const file of files) await readVolumeShape(file)
  const volumes: Volume[] = []
  for (const file of files) {
    const volume = await readVolume(file)
    for (const warning of volume.warnings ?? []) terminal.warn(warning)
    requireFinite(volume)
    volumes.push(volume)
  }
  terminal.warnOnce(volumes.slice(1).map((other) => requireSameGrid(volumes[0]!, other, 'the label maps')))
  return volumes
}

/** @throws UserError if a volume of one channel holds probabilities, as those that FAST, SPM and Atropos write */
function requireNoTissueMap({ data, source }: Volume): void {
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
function fromLabelMaps(
  maps: readonly Volume[],
  table: LabelTable,
  sigma: SpatialShape,
  every: number,
): Float32Array {
  const K = table.classes.length
  const [mean, ...others] = maps.map(({ data, source, grid }) => () => {
    return priorFromLabels(toClasses(data, table, source), grid.shape, K, { sigma, every })
  })
  const prior = mean!()
  for (const next of others) next().forEach((value, i) => (prior[i]! += value))
  if (others.length > 0) for (let i = 0; i < prior.length; i++) prior[i]! /= maps.length
  return prior
}

function fromAtlas(atlas: Volume, sigma: SpatialShape, every: number): Float32Array {
  const { data, channels, grid, source } = atlas
  const negative = data.findIndex((value) => value < 0)
  if (negative !== -1)
    throw new UserError(`${source}: contains ${data[negative]!}, but probabilities cannot be negative`)
  const blurred = { ...atlas, data: blurPrior(data, grid.shape, channels, sigma) }
  return normalisePrior(subsample(blurred, every).data, channels, source)
}

/** In any brain, FreeSurfer's codes go beyond 13; a map without such codes most likely holds classes. */
export function warnOfBareClasses(maps: readonly Volume[], terminal: Terminal): void {
  for (const { data, source } of maps) {
    const highest = data.reduce((most, label) => Math.max(most, label), 0)
    if (highest < freeSurferTable.classes.length) {
      terminal.warn(
        `${source}: the highest label is ${highest}, read as a FreeSurfer code; if the labels are classes, give --classes ${highest + 1}`,
      )
    }
  }
}
