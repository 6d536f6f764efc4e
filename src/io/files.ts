import { open, readFile, stat } from 'node:fs/promises'
import { UserError } from '../errors.js'
import { writeFileAtomic } from './atomic-file.js'
import { fileError } from './file-error.js'
import {
  decodeHeader,
  decodeLabels,
  decodeTensors,
  decodeVolume,
  encodeVolume,
  headerBytes,
  requireVolumeName,
} from './formats.js'
import { writeSafetensors, type Tensor, type TensorFile, type TypedTensor } from './safetensors.js'
import type { LabelVolume, Volume, VolumeHeader } from './volume.js'
import type { VoxelType } from './voxel-type.js'

/**
 * Reads a volume: `.nii`, `.nii.gz`, `.npz` or `.npy`.
 *
 * @throws UserError if the file cannot be read, is not an image, or its content does not match its extension
 */
export async function readVolume(path: string): Promise<Volume> {
  requireVolumeName(path)
  return decodeVolume(await readBytes(path), path)
}

/** Tables are small; a malicious JSON file of this size takes some 300 MB when parsed. */
const MAX_TEXT_BYTES = 4_000_000

/** As `readVolume`, for a label map: integers up to 2^53 are exact. */
export async function readLabelVolume(path: string): Promise<LabelVolume> {
  requireVolumeName(path)
  return decodeLabels(await readBytes(path), path)
}

/**
 * Reads what a volume's file says about it, within milliseconds: the voxels are not unpacked if it can be avoided.
 *
 * @throws UserError as `readVolume`, for errors that show without the voxels
 */
export async function readVolumeHeader(path: string): Promise<VolumeHeader> {
  const head = headerBytes(path)
  const length = await requireFile(path)
  const bytes = head === undefined ? await readBytes(path) : await readHead(path, head)
  return decodeHeader(bytes, path, length) ?? readVolume(path)
}

/**
 * Writes a volume in the format of its extension: `.nii`, `.nii.gz`, `.npz` (as `vol_data`) or `.npy`; as `[D, H, W]`
 * if it has one channel. NumPy's formats do not keep the grid.
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
async function requireFile(path: string): Promise<number> {
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
