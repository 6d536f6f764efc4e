import { NIFTI1, type NIFTI2 } from 'nifti-reader-js'

/** Millimetres per unit of length, for the units other than millimetres. */
const UNITS: Readonly<Record<number, { readonly name: string; readonly millimetres: number }>> = {
  [NIFTI1.UNITS_METER]: { name: 'metres', millimetres: 1000 },
  [NIFTI1.UNITS_MICRON]: { name: 'micrometres', millimetres: 0.001 },
}

/**
 * Converts the lengths of a header to millimetres, in place: voxel sizes, offsets and sform. Units that the header does not
 * state are taken for millimetres.
 *
 * @param srow the rows of the sform
 * @returns the name of the units that the header was in, if it was converted
 */
export function toMillimetres(header: NIFTI1 | NIFTI2, srow: readonly number[][]): string | undefined {
  const unit = UNITS[header.xyzt_units & NIFTI1.SPATIAL_UNITS_MASK]
  if (!unit) return undefined
  // As NIfTI-1 holds it: 0.001 m is 1 mm, not 1.0000000475.
  const round = header instanceof NIFTI1 ? Math.fround : (value: number): number => value
  const converted = (value: number): number => round(value * unit.millimetres)
  header.pixDims = header.pixDims.map((size, i) => (i >= 1 && i <= 3 ? converted(size) : size))
  header.qoffset_x = converted(header.qoffset_x)
  header.qoffset_y = converted(header.qoffset_y)
  header.qoffset_z = converted(header.qoffset_z)
  for (const row of srow) row.splice(0, 4, ...row.map(converted))
  header.xyzt_units = (header.xyzt_units & ~NIFTI1.SPATIAL_UNITS_MASK) | NIFTI1.UNITS_MM
  return unit.name
}
