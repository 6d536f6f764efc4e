import { dirname } from 'node:path'
import { Option, type Command } from 'commander'
import { UserError } from '../../errors.js'
import { readVolume, readVolumeShape } from '../../io/files.js'
import { requireFinite, requireSameGrid, voxelSize, type Grid, type Volume } from '../../io/volume.js'
import { freeSurferTable, toClasses, type LabelTable } from '../../sae/label-table.js'
import { normalisePrior } from '../../sae/prior.js'
import { blurPrior, floorPrior, priorFromLabels } from '../../sae/prior-from-labels.js'
import type { SpatialShape } from '../../sae/separable-filter.js'
import { readClasses, tableFor } from '../classes.js'
import { classesOption, realNumber, terminalOf, wholeNumber } from '../options.js'
import { makeFolder, requireWritableFolder } from '../output-folder.js'
import { writePrior } from '../prior-file.js'
import { sampledGrid, subsample } from '../subsample.js'
import type { Terminal } from '../terminal.js'

interface PriorCommandOptions {
  output: string
  blur?: number
  floor: number
  every: number
  classes?: string
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
    .addOption(
      new Option(
        '--blur <mm>',
        'standard deviation of the Gaussian in millimetres, 0 to 100 voxels; 0 does not blur (default: 1.5 for label maps, 0 for an atlas)',
      ).argParser(realNumber('not negative')),
    )
    .addOption(
      new Option(
        '--floor <p>',
        'probabilities below this become 0: the class is ruled out there (0 up to 1/classes)',
      )
        .argParser(realNumber('not negative'))
        .default(0),
    )
    .addOption(
      new Option('--every <n>', 'keep every n-th voxel along each axis, after the blur')
        .argParser(wholeNumber(1))
        .default(1),
    )
    .addOption(classesOption())
    .addHelpText(
      'after',
      `
From one label map: each class as 0 or 1, blurred. From several on one grid: the mean of those. From an atlas
(one image with a channel for each class): its own probabilities, normalised.
A .json beside the prior keeps its table of classes, which the other commands read.

Example:
  sae prior other-subject-labels.npz --blur 1.5 -o prior.nii.gz`,
    )
    .action(async (files: string[], options: PriorCommandOptions, command: Command) => {
      await makePrior(files, options, terminalOf(command))
    })
}

async function makePrior(files: string[], options: PriorCommandOptions, terminal: Terminal): Promise<void> {
  const { output, floor, every } = options
  requireWritableFolder(dirname(output))
  const volumes = await readAll(files, terminal)
  const atlas = volumes.find(({ channels }) => channels > 1)
  if (atlas && volumes.length > 1) {
    throw new UserError(
      `${atlas.source}: has channels, so it is an atlas; give one atlas, or label maps only`,
    )
  }
  const { blur = atlas ? 0 : 1.5 } = options
  const sigma = blurInVoxels(blur, volumes[0]!.grid)
  if (blur === 0 && !atlas && volumes.length === 1) {
    terminal.warn(
      `${files[0]!}: without a blur one label map allows one class only at each voxel, and every segmentation equals it; give --blur 1.5 or so`,
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
    terminal.note(`${files[0]!}: does not say how large its voxels are; --blur takes them for 1 mm`)
  }
  makeFolder(dirname(output))
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
  // Sizes that come from a rotation are off by rounding, on which the radius of the blur must not depend.
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
  if (negative !== -1) throw new UserError(`${source}: holds ${data[negative]!}; probabilities are 0 or more`)
  const blurred = { ...atlas, data: blurPrior(data, grid.shape, channels, sigma) }
  return normalisePrior(subsample(blurred, every).data, channels, source)
}

/** FreeSurfer's codes reach beyond 13 in any brain; maps that do not are most likely classes already. */
export function warnOfBareClasses(maps: readonly Volume[], terminal: Terminal): void {
  for (const { data, source } of maps) {
    const highest = data.reduce((most, label) => Math.max(most, label), 0)
    if (highest < freeSurferTable.classes.length) {
      terminal.warn(
        `${source}: the labels end at ${highest} and are read as FreeSurfer codes; if they are classes, give --classes ${highest + 1}`,
      )
    }
  }
}
