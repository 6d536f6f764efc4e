/** The volume of a voxel in mm^3, by the affine of its grid. */
export function voxelVolume(affine: readonly (readonly number[])[]): number {
  const [a, b, c] = affine as [number[], number[], number[]]
  const determinant =
    a[0]! * (b[1]! * c[2]! - b[2]! * c[1]!) -
    a[1]! * (b[0]! * c[2]! - b[2]! * c[0]!) +
    a[2]! * (b[0]! * c[1]! - b[1]! * c[0]!)
  return Math.abs(determinant)
}
