/** Extent of a volume in voxels: depth, height, width (C order, width fastest). */
export type SpatialShape = readonly [D: number, H: number, W: number]

/** Voxels of a volume. */
export function voxelsOf([D, H, W]: SpatialShape): number {
  return D * H * W
}
