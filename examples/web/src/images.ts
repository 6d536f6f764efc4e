import { sidesOf, toCodes, toSidedCodes, type LabelTable } from 'sae-webgpu'
import { labelVoxelType, writeNifti, type VoxelType, type Grid } from 'sae-webgpu/io'
import type { ImageFile } from './protocol.js'

/** Channels, one or more, as a NIfTI image on the scan's grid. */
export function encodeImage(name: string, data: Float32Array, grid: Grid, type: VoxelType): ImageFile {
  const [D, H, W] = grid.shape
  const volume = { data, channels: data.length / (D * H * W), grid, source: name }
  return { name: `${name}.nii`, bytes: new Uint8Array(writeNifti(volume, type)) }
}

/** Classes for the viewer: one code a class, so that each has one colour. */
export function encodeClasses(name: string, classes: Uint8Array, table: LabelTable, grid: Grid): ImageFile {
  return encodeLabels(name, toCodes(classes, table), grid)
}

/** Classes as `sae segment` writes them: a class with two sides has the code of each. */
export function encodeSegmentation(
  name: string,
  classes: Uint8Array,
  table: LabelTable,
  grid: Grid,
): ImageFile {
  const sided = grid.known && table.classes.some(sidesOf)
  const codes = sided ? toSidedCodes(classes, table, grid.shape, grid.affine).codes : toCodes(classes, table)
  return encodeLabels(name, codes, grid)
}

function encodeLabels(name: string, data: Float64Array, grid: Grid): ImageFile {
  const volume = { data, channels: 1, grid, source: name }
  return { name: `${name}.nii`, bytes: new Uint8Array(writeNifti(volume, labelVoxelType(data))) }
}
