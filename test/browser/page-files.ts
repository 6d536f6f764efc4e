import { writeNifti } from '../../src/io/nifti-write.js'
import { unknownGrid } from '../../src/io/volume.js'

/** A NIfTI image of 16x18x20 voxels whose value is a function of the position in memory. */
export function makeNifti(value: (i: number) => number): Buffer {
  const data = Float32Array.from({ length: 16 * 18 * 20 }, (_, i) => value(i))
  const volume = { data, channels: 1, grid: unknownGrid([16, 18, 20]), source: 'test' }
  return Buffer.from(writeNifti(volume, 'float32'))
}
