import { open, readFile, stat } from 'node:fs/promises'
import { UserError } from '../errors.js'
import { writeFileAtomic } from './atomic-file.js'
import { codeOf, fileError } from './file-error.js'
import {
  decodeHeader,
  decodeLabels,
  decodeTensors,
  decodeVolume,
  encodeVolume,
  headerBytes,
  requireVolumeName,
} from './formats.js'
import { headerOfOne, oneVolume } from './one-volume.js'
import { pairOf, type Pair } from './pairs.js'
import { writeSafetensors, type Tensor, type TensorFile, type TypedTensor } from './safetensors.js'
import type { LabelVolume, Volume, VolumeHeader } from './volume.js'
import type { VoxelType } from './voxel-type.js'

/** Which part of a file is read. */
export interface ReadOptions {
  /** Of a file with several volumes, the one to read, counted from 0. Default: all, as channels. */
  readonly volume?: number | undefined
}

/**
 * Reads a volume: `.nii`, `.nii.gz`, `.mgz`, `.mgh`, `.npz`, `.npy`, or a pair of `.hdr` and `.img` by the name of either.
 *
 * @throws UserError if the file cannot be read, is not an image, or its content does not match its extension
 */
export async function readVolume(path: string, options: ReadOptions = {}): Promise<Volume> {
  const { bytes, image } = await readVolumeBytes(path)
  return oneVolume(decodeVolume(bytes, path, image), options.volume)
}

/** Tables are small; a malicious JSON file of this size takes some 300 MB when parsed. */
const MAX_TEXT_BYTES = 4_000_000

/** As `readVolume`, for a label map: integers of up to 2^53 are kept exactly. */
export async function readLabelVolume(path: string, options: ReadOptions = {}): Promise<LabelVolume> {
  const { bytes, image } = await readVolumeBytes(path)
  return oneVolume(decodeLabels(bytes, path, image), options.volume)
}

async function readVolumeBytes(path: string): Promise<{ bytes: Uint8Array; image?: Uint8Array }> {
  requireVolumeName(path)
  const pair = pairOf(path)
  if (!pair) return { bytes: await readBytes(path) }
  await requirePair(path, pair)
  return { bytes: await readBytes(pair.header), image: await readBytes(pair.image) }
}

/**
 * Reads what a volume's file says about it, within milliseconds: the voxels are not unpacked if it can be avoided.
 *
 * @throws UserError as `readVolume`, for errors that show without the voxels
 */
export async function readVolumeHeader(path: string, options: ReadOptions = {}): Promise<VolumeHeader> {
  const most = headerBytes(path)
  const pair = pairOf(path)
  if (pair) await requirePair(path, pair)
  const file = pair?.header ?? path
  const length = await requireFile(file)
  const bytes = most === undefined ? await readBytes(file) : await readHead(file, most)
  const header = decodeHeader(bytes, path, length)
  return header ? headerOfOne(header, options.volume) : readVolume(path, options)
}

/** @throws UserError if one of the two files of a pair is missing */
async function requirePair(path: string, { header, image }: Pair): Promise<void> {
  await requireFile(path)
  const other = path === header ? image : header
  try {
    await stat(other)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw fileError(error, other, 'cannot be read')
    const what = path === header ? 'the header of an image' : 'an image without its header'
    throw new UserError(`${path}: is ${what}, but ${other} is not there; put the two side by side`)
  }
}

/**
 * Writes a volume in the format that the extension names: `.nii`, `.nii.gz`, `.mgz`, `.mgh`, `.npz` (as `vol_data`) or
 * `.npy`; `[D, H, W]` if it has one channel. NumPy's formats do not keep the grid.
 *
 * @throws UserError if the extension is not one of these, a value does not fit `type`, or the file cannot be written
 */
export async function writeVolume(
  path: string,
  volume: Volume | LabelVolume,
  type: VoxelType,
): Promise<void> {
  await writeFileAtomic(path, encodeVolume(path, volume, type))
}

/**
 * Reads weights: `.safetensors`, or a PyTorch checkpoint of the SAE reference (`.pth.tar`, `.pth`, `.pt`).
 * The content decides which.
 *
 * @throws UserError if the file cannot be read or is neither
 */
export async function readTensors(path: string): Promise<TensorFile> {
  return decodeTensors(await readBytes(path), path)
}

export { writeFileAtomic }

/** A tensor as `Variables.readAll` and `saveCheckpoint` return it. */
export type Float32Tensor = Readonly<Omit<TypedTensor<'F32', Float32Array>, 'dtype'>>

/**
 * Writes weights as `.safetensors`.
 *
 * @param tensors by name; those without a `dtype` are float32
 * @param metadata free text, such as the metadata of `saveCheckpoint`
 * @throws UserError if the path has another extension, a shape does not match its data, or the file cannot be written
 */
export async function writeTensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor | Float32Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  if (!path.toLowerCase().endsWith('.safetensors')) {
    throw new UserError(`${path}: weights are written as .safetensors only`)
  }
  const typed = new Map<string, Tensor>()
  for (const [name, tensor] of tensors) typed.set(name, { dtype: 'F32', ...tensor })
  await writeFileAtomic(path, writeSafetensors(typed, metadata))
}

/** The bytes of a file. @throws UserError if it cannot be read, is not a regular file, or is empty */
export async function readBytes(path: string): Promise<Uint8Array> {
  await requireFile(path)
  try {
    return await readFile(path)
  } catch (error) {
    throw fileError(error, path, 'cannot be read')
  }
}

/** A small text file, such as a table. @throws UserError as `readBytes`, and if it is too large for a table */
export async function readText(path: string): Promise<string> {
  const length = await requireFile(path)
  if (length > MAX_TEXT_BYTES)
    throw new UserError(`${path}: ${length} bytes; tables of at most ${MAX_TEXT_BYTES} are read`)
  return new TextDecoder().decode(await readBytes(path))
}

async function readHead(path: string, most: number): Promise<Uint8Array> {
  try {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(most), 0, most, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw fileError(error, path, 'cannot be read')
  }
}

/** The length of a regular file in bytes. Refuses devices and pipes, which may have no end. */
export async function requireFile(path: string): Promise<number> {
  let length: number
  try {
    const stats = await stat(path)
    if (stats.isDirectory()) throw new UserError(`${path}: cannot be read: a folder, not a file`)
    if (!stats.isFile()) throw new UserError(`${path}: cannot be read: a device or a pipe, not a file`)
    length = stats.size
  } catch (error) {
    throw fileError(error, path, 'cannot be read')
  }
  if (length === 0) throw new UserError(`${path}: the file is empty`)
  return length
}
