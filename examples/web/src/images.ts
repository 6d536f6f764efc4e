import { toCodes, type LabelTable } from 'sae-webgpu'
import { writeNifti, type VoxelType, type Grid } from 'sae-webgpu/io'
import type { ImageFile } from './protocol.js'

/** One channel as a NIfTI image on the scan's grid. */
export function encodeImage(name: string, data: Float32Array, grid: Grid, type: VoxelType): ImageFile {
  const volume = { data, channels: 1, grid, source: name }
  return { name: `${name}.nii`, bytes: new Uint8Array(writeNifti(volume, type)) }
}

/** Classes as label codes, as `sae segment` writes them. */
export function encodeLabels(name: string, classes: Uint8Array, table: LabelTable, grid: Grid): ImageFile {
  const codes = Float32Array.from(toCodes(classes, table))
  const highest = codes.reduce((most, code) => Math.max(most, code), 0)
  return encodeImage(name, codes, grid, highest < 256 ? 'uint8' : highest < 32768 ? 'int16' : 'float32')
}
