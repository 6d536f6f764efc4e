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
  return niftiOf([16, 18, 20], obliqueAffine, value)
}

/** A 4-D NIfTI image on that grid, with a volume for each function. */
export function makeFourD(values: readonly ((i: number) => number)[]): Buffer {
  const shape = [16, 18, 20] as [number, number, number]
  const voxels = 16 * 18 * 20
  const data = Float32Array.from({ length: values.length * voxels }, (_, at) =>
    values[Math.floor(at / voxels)]!(at % voxels),
  )
  const grid = { ...unknownGrid(shape), affine: obliqueAffine.map((row) => [...row]), known: true }
  return Buffer.from(writeNifti({ data, channels: values.length, grid, source: 'test' }, 'float32'))
}

/** A NIfTI image of that shape and place. */
export function niftiOf(
  shape: readonly [number, number, number],
  affine: readonly (readonly number[])[],
  value: (i: number) => number,
): Buffer {
  const data = Float32Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, i) => value(i))
  const grid = { ...unknownGrid(shape), affine: affine.map((row) => [...row]), known: true }
  return Buffer.from(writeNifti({ data, channels: 1, grid, source: 'test' }, 'float32'))
}

/** Blocks of white matter, cortex and background on the grid of `makeNifti`. */
export function makeLabels(): Buffer {
  return makeNifti((i) => (i % 20 < 8 ? 2 : i % 20 < 14 ? 3 : 0))
}

/** Voxels of that size about the place of `obliqueAffine`'s, or somewhere else. */
export function straightAffine(size: number, far = false): number[][] {
  const origin = far ? [1000, 1000, 1000] : [-12, -14, 0]
  return [
    [size, 0, 0, origin[0]!],
    [0, size, 0, origin[1]!],
    [0, 0, size, origin[2]!],
    [0, 0, 0, 1],
  ]
}
