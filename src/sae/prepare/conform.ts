import type { SpatialShape } from '../shape.js'

/** Where the voxels of a conformed scan lie: an array [D, H, W] and its 4x4 matrix to millimetres of the world. */
export interface ConformedGrid {
  /** [D, H, W] */
  readonly shape: [number, number, number]
  /** `[d, h, w, 1]` to millimetres. */
  readonly affine: number[][]
}

/** Voxels along each axis of a conformed scan, each 1 mm. */
const extent = 256

/** [D, H, W] of every conformed scan. */
export const conformedShape: SpatialShape = [extent, extent, extent]

/**
 * The grid that brainchop's networks expect, FreeSurfer's `mri_convert --conform`: 256x256x256 voxels of 1 mm, D from right
 * to left, H from head to foot, W from back to front ("LIA"), around the centre of the scan.
 *
 * @param shape of the scan, [D, H, W]
 * @param affine of the scan, 4x4, voxels to millimetres of the world
 */
export function conformedGrid(shape: SpatialShape, affine: readonly (readonly number[])[]): ConformedGrid {
  const centre = [0, 1, 2].map((row) =>
    shape.reduce<number>((sum, n, axis) => sum + (affine[row]![axis]! * n) / 2, affine[row]![3]!),
  )
  const half = extent / 2
  return {
    shape: [extent, extent, extent],
    affine: [
      [-1, 0, 0, centre[0]! + half],
      [0, 0, 1, centre[1]! - half],
      [0, -1, 0, centre[2]! + half],
      [0, 0, 0, 1],
    ],
  }
}

/** Whether a grid has the size, the voxels and the axes of a conformed scan, wherever its centre lies. */
export function isConformed(shape: SpatialShape, affine: readonly (readonly number[])[]): boolean {
  const wanted = conformedGrid(shape, affine).affine
  const differs = [0, 1, 2].some((row) =>
    [0, 1, 2].some((axis) => Math.abs(wanted[row]![axis]! - affine[row]![axis]!) > 1e-3),
  )
  return !differs && shape.every((n) => n === extent)
}
