import { zipSync } from 'fflate'
import { UserError } from '../errors.js'
import type { FloatArray, Floats } from './dtype.js'
import { readNpy, readNpyHeader, writeNpy, type NpyArray } from './npy.js'
import type { Volume, VolumeHeader } from './volume.js'
import { listZip, unzip, unzipStart } from './zip.js'

/** The name under which the SAE reference release keeps its scans and label maps. */
const VOLUME_NAME = 'vol_data'
/** The earliest time that a zip archive can hold: equal arrays give equal files. */
const EPOCH = new Date(1980, 0, 1)

/**
 * Reads a volume from a NumPy `.npz` archive: the array `vol_data`, else the only array in it.
 *
 * @param source the file's name, for messages
 * @throws UserError as `readNpy`; where the archive is damaged, empty, or holds several arrays of other names
 */
export function readNpz(bytes: Uint8Array, source: string): Volume
export function readNpz<T extends FloatArray>(
  bytes: Uint8Array,
  source: string,
  floats: Floats<T>,
): VolumeHeader & { data: T }
export function readNpz(
  bytes: Uint8Array,
  source: string,
  floats: Floats<FloatArray> = Float32Array,
): VolumeHeader & { data: FloatArray } {
  const entry = volumeEntry(bytes, source)
  return readNpy(unzip(bytes, source, (name) => name === entry).get(entry)!, source, floats)
}

/** As `readNpyHeader`, of the array that `readNpz` reads, whose elements stay packed. @throws UserError as `readNpz` */
export function readNpzHeader(bytes: Uint8Array, source: string): VolumeHeader | undefined {
  return readNpyHeader(unzipStart(bytes, source, volumeEntry(bytes, source), HEADER_BYTES), source)
}

/** More than version 1 of the format allows a header. */
const HEADER_BYTES = (1 << 16) + 12

/** The name of the entry that holds the volume. */
function volumeEntry(bytes: Uint8Array, source: string): string {
  const arrays = listZip(bytes, source).flatMap((name) => (name.endsWith('.npy') ? [name.slice(0, -4)] : []))
  const chosen = arrays.includes(VOLUME_NAME) ? VOLUME_NAME : arrays[0]
  if (chosen === undefined) throw new UserError(`${source}: the archive holds no array (.npy)`)
  if (chosen !== VOLUME_NAME && arrays.length > 1) {
    const names = arrays.slice(0, 8).map((name) => JSON.stringify(name))
    throw new UserError(
      `${source}: holds several arrays (${names.join(', ')}${arrays.length > 8 ? ', ...' : ''}); name the one to use ${VOLUME_NAME}`,
    )
  }
  return `${chosen}.npy`
}

/**
 * Writes arrays to a compressed `.npz` archive that `numpy.load` reads.
 *
 * @param arrays by name, without `.npy`
 */
export function writeNpz(arrays: Readonly<Record<string, NpyArray>>): Uint8Array {
  const entries = Object.entries(arrays).map(([name, array]) => [`${name}.npy`, writeNpy(array)] as const)
  return zipSync(Object.fromEntries(entries), { level: 1, mtime: EPOCH })
}
