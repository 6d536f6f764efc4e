import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Option } from 'commander'
import { writeFileAtomic, writeVolume } from '../io/files.js'
import type { Volume } from '../io/volume.js'
import { toCodes, type LabelTable } from '../sae/label-table.js'
import { formatDsegTable, type LabelValues } from './dseg-table.js'
import { subjectNames } from './file-names.js'
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
 * The scans of a command line, without those already segmented if `keepExisting`.
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

export const labelsOutOption = (): Option =>
  new Option(
    '--labels-out <values>',
    'voxel values: label codes (the left one if a class has a left and a right), or classes 0..K-1',
  )
    .choices(['codes', 'classes'])
    .default('codes')

/** For the help of commands that write segmentations. */
export const segmentationFiles = `
Writes to the output folder, on the grid of each scan:
  NAME_dseg.nii.gz     the segmentation
  NAME_dseg.tsv        what its values mean (BIDS)
  NAME_probseg.nii.gz  with --posterior: the probability of each class
  run.json             quality of the segmentations, settings, versions, checksums of the inputs`

/**
 * Writes a segmentation, its table, and the posterior if there is one.
 *
 * @param classes [D, H, W]
 * @param posterior [K, D, H, W]
 * @param place the scan, or anything on its grid
 * @throws UserError if a file cannot be written
 */
export async function writeSegmentation(
  stem: string,
  { classes, posterior }: { classes: Uint8Array; posterior: Float32Array | undefined },
  { grid, source }: Pick<Volume, 'grid' | 'source'>,
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
  // Written last: for --keep-existing, it marks the scan as done.
  await writeVolume(`${stem}_dseg.nii.gz`, { data: labels, channels: 1, grid, source }, type)
}
