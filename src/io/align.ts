import { UserError } from '../errors.js'
import { describeAxes, fitOf, isAsItIs, orientationOnto, reorient, reorientGrid } from './orientation.js'
import { requireSameGrid, type LabelVolume, type Volume, type VolumeHeader } from './volume.js'

/** A volume on the grid of another, and a remark on how it was aligned. */
export interface Aligned<V> {
  /** The volume itself if nothing had to change. */
  readonly volume: V
  /** A remark for the user, if any. */
  readonly remark: string | undefined
}

/**
 * Reorders and flips the axes of a volume, if needed, so that its voxels match those of a reference one by one.
 *
 * @param what names the reference and the volume in messages: `the prior and the scan`
 * @throws UserError if their shapes differ, or if their headers place them more than a tenth of a voxel apart
 */
export function alignTo<V extends Volume | LabelVolume>(
  volume: V,
  reference: VolumeHeader,
  what: string,
): Aligned<V> {
  const unknown = [volume, reference].find(({ grid }) => !grid.known)
  if (unknown) {
    requireSameGrid(reference, volume, what)
    const remark = `${unknown.source}: says nothing of its orientation; voxels are paired by index, as if all axes ran the same way`
    return { volume, remark }
  }
  const orientation = orientationOnto(volume.grid, reference.grid)
  const grid = reorientGrid(volume.grid, orientation)
  const fit = fitOf(grid, reference.grid)
  if (fit.kind === 'placed' && !fit.coincide) {
    throw new UserError(
      `${what} do not lie in one place: by the headers, voxels of ${volume.source} are up to ${fit.distance.toFixed(2)} mm from those of ${reference.source}; resample one onto the grid of the other`,
    )
  }
  if (isAsItIs(orientation)) {
    requireSameGrid(reference, volume, what)
    return { volume, remark: undefined }
  }
  requireSameGrid(reference, { ...volume, grid }, what)
  const remark = `${volume.source} (${describeAxes(volume.grid)}): reoriented as ${reference.source} (${describeAxes(reference.grid)})`
  return { volume: { ...volume, data: reorient(volume.data, volume.grid.shape, orientation), grid }, remark }
}
