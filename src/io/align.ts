import { UserError } from '../errors.js'
import { describeAxes, fitOf, isAsItIs, orientationOnto, reorient, reorientGrid } from './orientation.js'
import { requireSameGrid, type LabelVolume, type Volume, type VolumeHeader } from './volume.js'

/** A volume on the grid of another, and how it got there. */
export interface Aligned<V> {
  /** The volume itself if nothing had to change. */
  readonly volume: V
  /** What to tell the user, if anything. */
  readonly remark: string | undefined
}

/**
 * Lays out a volume so that its voxels are those of a reference, in the same order: its axes may run other ways.
 *
 * @param what what the reference and the volume are to each other, for the message: `the prior and the scan`
 * @throws UserError if the two have other shapes, or lie more than a tenth of a voxel apart by their headers
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
