import { zipSync } from 'fflate'
import { quoted, UserError } from '../errors.js'
import type { FloatArray, Floats } from './dtype.js'
import { HEAD_BYTES, readNpy, readNpyHeader, writeNpy, type NpyArray } from './npy.js'
import type { FloatVolume, Volume, VolumeHeader } from './volume.js'
import { unpack, unpackHead, zipEntries, type ZipEntry } from './zip.js'

/** The name under which the SAE reference release keeps its scans and label maps. */
const VOLUME_NAME = 'vol_data'
/** The earliest time that a zip archive can hold. It is fixed so that equal arrays give equal files. */
const EPOCH = new Date(1980, 0, 1)

/**
 * Reads a volume from a NumPy `.npz` archive: the array `vol_data`, else the only array in it.
 *
 * @param source the file's name, for messages
 * @throws UserError as `readNpy`, or if the archive is damaged, empty, or holds several arrays but no `vol_data`
 */
export function readNpz(bytes: Uint8Array, source: string): Volume
/** As above, but with voxels of type `floats`: `Float64Array` keeps integers up to 2^53 exact. */
export function readNpz<T extends FloatArray>(
  bytes: Uint8Array,
  source: string,
  floats: Floats<T>,
): FloatVolume<T>
export function readNpz(
  bytes: Uint8Array,
  source: string,
  floats: Floats<FloatArray> = Float32Array,
): FloatVolume<FloatArray> {
  const entry = chooseArray(bytes, source)
  // Check the array's own header first: the directory may claim a thousand times what is in the file.
  headerOf(entry, source)
  return readNpy(unpack(entry), source, floats)
}

/**
 * As `readNpyHeader`, for the array that `readNpz` reads; does not unpack its elements. @throws UserError as `readNpz`
 */
export function readNpzHeader(bytes: Uint8Array, source: string): VolumeHeader | undefined {
  return headerOf(chooseArray(bytes, source), source)
}

function headerOf(entry: ZipEntry, source: string): VolumeHeader | undefined {
  return readNpyHeader(unpackHead(entry, HEAD_BYTES), source, entry.size)
}

function chooseArray(bytes: Uint8Array, source: string): ZipEntry {
  const arrays = [...zipEntries(bytes, source).values()].filter(({ name }) => name.endsWith('.npy'))
  const chosen = arrays.find(({ name }) => name === `${VOLUME_NAME}.npy`)
  if (chosen) return chosen
  const [only, ...others] = arrays
  if (only === undefined) throw new UserError(`${source}: the archive holds no array (.npy)`)
  if (others.length === 0) return only
  const names = arrays.slice(0, 4).map(({ name }) => quoted(name.slice(0, -4), 24))
  throw new UserError(
    `${source}: holds several arrays (${names.join(', ')}${arrays.length > 4 ? ', ...' : ''}); name the one to use ${VOLUME_NAME}`,
  )
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
