import { UserError } from '../errors.js'
import type { FloatArray } from './dtype.js'
import type { FloatVolume, VolumeHeader } from './volume.js'

/**
 * One of a file's volumes. A file with one only is returned as it is: a label map of one volume goes with any volume of
 * a scan.
 *
 * @param index counted from 0, as in FSL and nibabel; undefined for all of them
 * @throws UserError if the file has several volumes, but not this one
 */
export function oneVolume<T extends FloatArray, V extends FloatVolume<T>>(
  volume: V & { data: T },
  index: number | undefined,
): V {
  const header = headerOfOne(volume, index)
  if (header.channels === volume.channels) return volume
  const size = volume.data.length / volume.channels
  return { ...volume, ...header, data: volume.data.slice(index! * size, (index! + 1) * size) }
}

/** The header of that volume. @throws UserError as `oneVolume` */
export function headerOfOne(header: VolumeHeader, index: number | undefined): VolumeHeader {
  const { channels, source } = header
  if (index === undefined || channels === 1) return header
  if (index < channels) return { ...header, channels: 1 }
  throw new UserError(`${source}: has ${channels} volumes, 0 to ${channels - 1}, but no volume ${index}`)
}
