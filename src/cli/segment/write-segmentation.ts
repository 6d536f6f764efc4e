import { join } from 'node:path'
import { labelVoxelType } from '../../io/voxel-type.js'
import { writeSidecars } from '../cohort/bids-sidecars.js'
import type { Assessment } from '../../sae/assessment/assessment.js'
import { sidesOf, toSidedCodes } from '../../sae/labels/label-sides.js'
import { toCodes } from '../../sae/labels/label-codes.js'
import type { LabelTable } from '../../sae/labels/label-table.js'
import { entropyOf } from '../../sae/metrics/entropy.js'
import { channelEndings } from '../inputs/channel-files.js'
import { formatDsegTable } from '../tables/dseg-table.js'
import { describeValues } from '../inputs/label-maps.js'
import { writeOutput, writeOutputVolume } from '../outputs/output-files.js'
import type { Origin } from '../outputs/output-record.js'
import { inFormat } from '../outputs/result-format.js'
import type { ResultPlace } from '../grids/result-place.js'
import { putRow, qualityTable, volumeTable } from '../tables/scan-tables.js'
import { qualityRow, volumeRow } from '../tables/scan-rows.js'
import type { Job, LabelsOut } from './segmentation-files.js'

/** How the decoder's image of a channel is called. */
export const reconstructionEnding = '_reconstruction.nii.gz'

/** A segmentation as it goes to the disk. Volumes are on the grid of the run. */
export interface Segmented {
  /** [D, H, W] */
  readonly classes: Uint8Array
  /** [K, D, H, W], if it is known. */
  readonly posterior: Float32Array | undefined
  /** The decoder's image, [C, D, H, W], if it is to be written. */
  readonly reconstruction?: Float32Array | undefined
  readonly assessment: Assessment
}

/** What is written of segmentations, and in which form. */
export interface WrittenAs {
  readonly command: string
  readonly table: LabelTable
  readonly values: LabelsOut
  readonly posterior: boolean
  readonly entropy: boolean
}

/**
 * Writes a segmentation, its table, its rows in the tables of the folder, and the maps that are asked for.
 *
 * @param origin what it was made from
 * @returns what is to be said of its sides, if anything
 * @throws UserError if a file cannot be written
 */
export async function writeSegmentation(
  { stem, name, folder, scan, from, format }: Job,
  { classes, posterior, reconstruction, assessment }: Segmented,
  place: ResultPlace,
  { command, table, values, ...asked }: WrittenAs,
  origin: Origin,
): Promise<string | undefined> {
  const { source, grid } = place
  const write = async (ending: string, data: Float32Array, channels: number): Promise<void> => {
    const path = stem + inFormat(ending, format)
    await writeOutputVolume(path, { data, channels, grid, source }, 'float32', origin)
  }
  const K = table.classes.length
  const placed = place.segmentation({ classes, posterior }, asked.posterior || asked.entropy)
  if (placed.posterior && asked.posterior) await write('_probseg.nii.gz', placed.posterior, K)
  if (placed.posterior && asked.entropy) await write('_entropy.nii.gz', entropyOf(placed.posterior, K), 1)
  if (reconstruction) {
    const images = reconstruction.length / classes.length
    for (const [c, ending] of channelEndings(reconstructionEnding, images).entries()) {
      const image = reconstruction.subarray(c * classes.length, (c + 1) * classes.length)
      await write(ending, place.field(image), 1)
    }
  }
  const { data, sided, remark } = toLabels(placed.classes, table, values, place)
  const kind = values === 'classes' ? 'classes' : 'codes'
  await writeOutput(`${stem}_dseg.tsv`, formatDsegTable(table, kind, sided), origin)
  if (from) await writeSidecars(stem, { ...from, command, table }, asked.posterior, origin)
  const key = { scan: name, file: scan, command }
  const measured = {
    classes: placed.classes,
    // Not that of a run whose voxels have another size.
    posterior: placed.posterior ?? (place.interpolates ? undefined : posterior),
    labels: sided ? data : undefined,
  }
  const volumes = volumeRow(measured, table, grid)
  const entropy = posterior && entropyOf(posterior, K)
  await putRow(join(folder, volumeTable), { ...key, ...volumes })
  await putRow(join(folder, qualityTable), { ...key, ...qualityRow(assessment, table, entropy) })
  // Written last: for --keep-existing, it marks the scan as done.
  const volume = { data, channels: 1, grid, source, description: describeValues(table, kind) }
  await writeOutputVolume(`${stem}_dseg.${format}`, volume, labelVoxelType(data), origin)
  return remark
}

/** The values of a label map, whether they tell the sides apart, and what is to be said of that. */
function toLabels(
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
