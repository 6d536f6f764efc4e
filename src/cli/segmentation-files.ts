import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Option } from 'commander'
import { writeFileAtomic, writeVolume } from '../io/files.js'
import type { Grid, Volume } from '../io/volume.js'
import { labelVoxelType } from '../io/voxel-type.js'
import { toSidedCodes } from '../sae/label-sides.js'
import { sidesOf, toCodes, type LabelTable } from '../sae/label-table.js'
import { formatDsegTable } from './dseg-table.js'
import { subjectNames } from './file-names.js'
import { describeValues } from './label-maps.js'
import { gridOfResult, takenBack, type Placement } from './placement.js'
import type { Terminal } from './terminal.js'

/** A scan to segment. */
interface Job {
  readonly scan: string
  /** Its position among the scans of the command line. */
  readonly index: number
  /** Path of the outputs, up to `_dseg.nii.gz`. */
  readonly stem: string
}

/**
 * The scans of a command line, without those that are segmented already if these are to be left out.
 *
 * @throws UserError if two scans would have the same outputs
 */
export function segmentationJobs(
  scans: readonly string[],
  folder: string,
  keepExisting: boolean,
  terminal: Terminal,
): Job[] {
  const all = subjectNames(scans).map((name, index): Job => ({
    scan: scans[index]!,
    index,
    stem: join(folder, name),
  }))
  const jobs = keepExisting ? all.filter(({ stem }) => !existsSync(`${stem}_dseg.nii.gz`)) : all
  if (jobs.length < all.length)
    terminal.status(`${all.length - jobs.length} of ${all.length} scans are segmented already.`)
  return jobs
}

/** What voxels of a segmentation hold: a code for each side of a class, one code for each class, or the class itself. */
export type LabelsOut = 'codes' | 'merged' | 'classes'

export const labelsOutOption = (): Option =>
  new Option(
    '--labels-out <values>',
    'what voxels hold: label codes, left and right ones if a class has both; merged: the left code for both sides; or the classes 0..K-1',
  )
    .choices(['codes', 'merged', 'classes'])
    .default('codes')

/** For the help of commands that write segmentations. */
export const segmentationFiles = `
Writes to the output folder, on the grid of each scan and placed as it is:
  NAME_dseg.nii.gz     the segmentation
  NAME_dseg.tsv        what its values mean (BIDS)
  NAME_probseg.nii.gz  with --posterior: the probability of each class
  run.json             what the segmentations are worth, settings, versions, checksums of inputs`

/** Where the results of a scan lie: as its file does. */
export interface ResultPlace {
  readonly source: string
  readonly grid: Grid
  /** The order of the file. @param data [C, D, H, W] of the grid of the run */
  readonly inOrder: <T extends Float32Array | Uint8Array>(data: T) => T
  readonly volume: (data: Float32Array, channels: number) => Volume
}

/** @param whole the grid of the scan's file */
export function resultPlace(source: string, whole: Grid, placement: Placement): ResultPlace {
  const grid = gridOfResult(whole, placement)
  const inOrder: ResultPlace['inOrder'] = (data) => takenBack(data, whole, placement)
  const volume: ResultPlace['volume'] = (data, channels) => ({ data: inOrder(data), channels, grid, source })
  return { source, grid, inOrder, volume }
}

/**
 * Writes a segmentation, its table, and the posterior if there is one.
 *
 * @param classes [D, H, W] of the grid of the run
 * @param posterior [K, D, H, W]
 * @returns what is to be said of its sides, if anything
 * @throws UserError if the disk refuses
 */
export async function writeSegmentation(
  stem: string,
  { classes, posterior }: { classes: Uint8Array; posterior: Float32Array | undefined },
  place: ResultPlace,
  table: LabelTable,
  values: LabelsOut,
): Promise<string | undefined> {
  if (posterior) {
    await writeVolume(`${stem}_probseg.nii.gz`, place.volume(posterior, table.classes.length), 'float32')
  }
  const { source, grid } = place
  const { data, sided, remark } = toLabels(place.inOrder(classes), table, values, place)
  const kind = values === 'classes' ? 'classes' : 'codes'
  await writeFileAtomic(`${stem}_dseg.tsv`, new TextEncoder().encode(formatDsegTable(table, kind, sided)))
  // Last: --keep-existing takes it for the sign that a scan is done.
  const volume = { data, channels: 1, grid, source, description: describeValues(table, kind) }
  await writeVolume(`${stem}_dseg.nii.gz`, volume, labelVoxelType(data))
  return remark
}

/** The values of a label map, whether they tell the sides apart, and what is to be said of that. */
export function toLabels(
  classes: Uint8Array,
  table: LabelTable,
  values: LabelsOut,
  { grid, source }: Pick<ResultPlace, 'grid' | 'source'>,
): { data: Float64Array; sided: boolean; remark: string | undefined } {
  if (values === 'classes') return { data: Float64Array.from(classes), sided: false, remark: undefined }
  const merged = { data: toCodes(classes, table), sided: false, remark: undefined }
  if (values === 'merged' || !table.classes.some(sidesOf)) return merged
  if (!grid.known) {
    const remark = `${source}: says nothing of its orientation; both sides of a class are written with its first code`
    return { ...merged, remark }
  }
  const { codes, x, left } = toSidedCodes(classes, table, grid.shape, grid.affine)
  const share = (100 * left).toFixed(0)
  const remark = `${source}: ${share} % of the brain lies left of x = 0, the plane between the sides; they are told apart at its centre, x = ${x.toFixed(1)} mm`
  return { data: codes, sided: true, remark: x === 0 ? undefined : remark }
}
