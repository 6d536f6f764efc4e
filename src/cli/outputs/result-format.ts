import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { Option } from 'commander'
import { UserError } from '../../errors.js'
import { mghHolds } from '../../io/mgh.js'
import { labelVoxelType } from '../../io/voxel-type.js'
import { outputName } from '../program-name.js'
import { sidesOf } from '../../sae/labels/label-sides.js'
import type { LabelTable } from '../../sae/labels/label-table.js'

/** The formats of results, without the dot. */
export const resultFormats = ['nii.gz', 'nii', 'mgz'] as const
export type ResultFormat = (typeof resultFormats)[number]

export const formatOption = (): Option =>
  new Option(
    '--format <extension>',
    'format of the volumes that are written: nii.gz, nii, or mgz, which FreeSurfer reads; not mgz in a BIDS derivative',
  )
    .choices(resultFormats)
    .default('nii.gz' satisfies ResultFormat)

/** The end of a file's name in another format: `_dseg.nii.gz` -> `_dseg.mgz`. Files that are no volumes keep theirs. */
export const inFormat = (ending: string, format: ResultFormat): string =>
  ending.replace(/\.nii\.gz$/, `.${format}`)

/** Requires that results that make a BIDS derivative are in one of its formats. @throws UserError */
export function requireFormatOfLayout(format: ResultFormat | undefined, derivative: boolean): void {
  if (format !== 'mgz' || !derivative) return
  throw new UserError(
    '--format mgz: a BIDS derivative holds NIfTI files alone; give --layout plain too, or leave it out',
  )
}

/** Requires that a format has integers for all labels that a table may give. @throws UserError */
export function requireLabelsFit({ classes }: LabelTable, format: ResultFormat): void {
  // Other codes of a class are read, but never written.
  const codes = classes.flatMap((one) => sidesOf(one) ?? one.codes.slice(0, 1))
  if (format !== 'mgz' || mghHolds(labelVoxelType(Float64Array.from(codes)))) return
  throw new UserError(
    `--format mgz: the label table has codes beyond 31 bits (${codes.reduce((a, b) => Math.max(a, b))}), which FreeSurfer's formats do not hold; leave it out, or give --labels-out classes`,
  )
}

/** Requires that a scan's segmentation is there in no other format: its table explains one file. @throws UserError */
export function requireOneFormat(stem: string, format: ResultFormat): void {
  const others = resultFormats.filter((other) => other !== format).map((other) => `${stem}_dseg.${other}`)
  const other = others.find((path) => existsSync(path))
  if (other === undefined) return
  throw new UserError(
    `${other}: is there already, in another format than --format ${format}, and both would share ${basename(stem)}_dseg.tsv; remove it, convert it (sae convert), or give another ${outputName}`,
  )
}
