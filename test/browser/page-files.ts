import { writeNifti } from '../../src/io/nifti-write.js'
import { unknownGrid } from '../../src/io/volume.js'

/** Voxels of 1.5 mm, turned by 30 degrees and the first axis flipped. */
export const obliqueAffine: readonly (readonly number[])[] = [
  [-1.299, 0.75, 0, 12],
  [0.75, 1.299, 0, -20.5],
  [0, 0, 1.5, 3.25],
  [0, 0, 0, 1],
].map((row) => row.map(Math.fround))

/** A NIfTI image of 16x18x20 voxels on `obliqueAffine` whose value is a function of the position in memory. */
export function makeNifti(value: (i: number) => number): Buffer {
  const data = Float32Array.from({ length: 16 * 18 * 20 }, (_, i) => value(i))
  const affine = obliqueAffine.map((row) => [...row])
  const grid = { ...unknownGrid([16, 18, 20]), affine, known: true }
  const volume = { data, channels: 1, grid, source: 'test' }
  return Buffer.from(writeNifti(volume, 'float32'))
}
