import { UserError } from '../../errors.js'
import { readVolume } from '../../io/files.js'
import { requireFinite, voxelSize, type Grid, type LabelVolume, type VolumeHeader } from '../../io/volume.js'
import type { LabelTable } from '../../sae/labels/label-table.js'
import { normalisePrior } from '../../sae/prior/prior.js'
import { blurPrior, priorFromLabels } from '../../sae/prior/prior-from-labels.js'
import type { SpatialShape } from '../../sae/shape.js'
import { requireSameClasses, tableFor } from '../inputs/classes.js'
import { besideVolume } from '../outputs/file-names.js'
import { GridCheck } from '../grids/grid-check.js'
import { readLabels } from '../inputs/inputs.js'
import {
  classesOfMap,
  dsegTable,
  tableOfMap,
  valuesOf,
  warnOfBareClasses,
  type MapTable,
} from '../inputs/label-maps.js'
import { placed } from '../grids/placement.js'
import { readTable } from './prior-file.js'
import { subsample } from '../grids/subsample.js'
import type { Terminal } from '../terminal.js'

/** A prior, its classes, and how many voxels of its sources each class has, on average. */
export interface MadePrior {
  readonly prior: Float32Array
  readonly table: LabelTable
  readonly voxels: readonly number[]
}

/** How a prior is made of its sources. */
export interface SourceOptions {
  readonly classes?: string
  readonly every: number
  readonly matchByIndex: boolean
  /** Which volume of a label map that holds several. */
  readonly volume?: number | undefined
}

/** A length in millimetres as voxels along D, H, W. */
export function inVoxels(millimetres: number, { affine }: Grid): SpatialShape {
  // Sizes computed from a rotation carry rounding errors; the radius of the blur must not depend on them.
  const [d, h, w] = voxelSize(affine)
  const along = (size: number): number => millimetres / Number(size.toPrecision(5))
  return [along(d), along(h), along(w)]
}

/** @throws UserError if a volume of one channel holds probabilities, as those that FAST, SPM and Atropos write */
export function requireNoTissueMap({ data, source }: LabelVolume): void {
  if (data.every((value) => Number.isInteger(value)) || !data.every((value) => value >= 0 && value <= 1))
    return
  throw new UserError(
    `${source}: holds fractions from 0 to 1, as the map of one tissue does; give the maps of all tissues with --tissues and what they are with --names`,
  )
}

/** The tables of label maps, which must agree. @throws UserError if they do not */
export async function tablesOfMaps(
  sources: readonly string[],
  classes: string | undefined,
): Promise<[MapTable, ...MapTable[]]> {
  const tables: MapTable[] = []
  for (const source of sources) tables.push(await tableOfMap(source, classes))
  for (const other of tables) requireSameClasses(tables[0]!, other)
  return tables as [MapTable, ...MapTable[]]
}

/** The mean over subjects of their blurred one-hot maps. */
export async function fromLabelMaps(
  headers: readonly VolumeHeader[],
  { classes, every, matchByIndex, volume }: SourceOptions,
  sigma: SpatialShape,
  terminal: Terminal,
): Promise<MadePrior> {
  const [first, ...others] = headers as [VolumeHeader, ...VolumeHeader[]]
  const check = new GridCheck({ matchByIndex, resample: undefined })
  const placements = others.map((other) => check.match(other, first, 'the label maps'))
  check.conclude(terminal)
  const tables = await tablesOfMaps(
    headers.map(({ source }) => source),
    classes,
  )
  const { table } = tables[0]
  const K = table.classes.length
  const voxels = table.classes.map(() => 0)
  let prior: Float32Array | undefined
  for (const [i, { source }] of headers.entries()) {
    const map = await readLabels(source, terminal, volume)
    requireNoTissueMap(map)
    const described = tables[i]!
    if (described.assumed && valuesOf(map, described) === 'codes') warnOfBareClasses(map, terminal)
    const classified = classesOfMap(i === 0 ? map : placed(map, placements[i - 1]!), described, terminal)
    requireSomeClass(classified.voxels, source)
    const own = priorFromLabels(classified.classes, first.grid.shape, K, { sigma, every })
    if (prior) for (let at = 0; at < own.length; at++) prior[at]! += own[at]!
    else prior = own
    classified.voxels.forEach((count, c) => (voxels[c]! += count / headers.length))
  }
  if (others.length > 0) for (let at = 0; at < prior!.length; at++) prior![at]! /= headers.length
  return { prior: prior!, table, voxels }
}

/** @throws UserError for a map without labels, which would only thin out the mean */
function requireSomeClass([, ...voxels]: readonly number[], source: string): void {
  if (voxels.every((count) => count === 0))
    throw new UserError(`${source}: every voxel is background; leave this map out`)
}

/** The probabilities of an atlas, normalised. */
export async function fromAtlas(
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
  return { prior, table, voxels: expectedVoxels(prior, channels).map((voxels) => every ** 3 * voxels) }
}

/** The sum of the probabilities of each class. */
export function expectedVoxels(prior: Float32Array, K: number): number[] {
  const size = prior.length / K
  return Array.from({ length: K }, (_, c) => {
    return prior.subarray(c * size, (c + 1) * size).reduce((sum, p) => sum + p, 0)
  })
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
