import { open, readFile, rename, rm } from 'node:fs/promises'
import { UserError } from '../errors.js'
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

const FS_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'no such folder',
  EISDIR: 'a folder, not a file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
}

/**
 * Reads a volume: `.nii`, `.nii.gz`, `.npz` or `.npy`.
 *
 * @throws UserError if the file cannot be read, is no image, or its content is not what its name says
 */
export async function readVolume(path: string): Promise<Volume> {
  requireVolumeName(path)
  return decodeVolume(await readBytes(path), path)
}

/** As `readVolume`, for a label map: integers of up to 2^53 are kept exactly. */
export async function readLabelVolume(path: string): Promise<LabelVolume> {
  requireVolumeName(path)
  return decodeLabels(await readBytes(path), path)
}

/**
 * What a volume's file says of it, without unpacking its voxels wherever that is possible.
 *
 * @throws UserError as `readVolume`, if the beginning of the file is at fault
 */
export async function readVolumeHeader(path: string): Promise<VolumeHeader> {
  const length = headerBytes(path)
  const start = length === undefined ? await readBytes(path) : await readStart(path, length)
  return decodeHeader(start, path) ?? readVolume(path)
}

/**
 * Writes a volume in the format that the extension names, `.nii`, `.nii.gz`, `.npz` (as `vol_data`) or `.npy`;
 * `[D, H, W]` if it has one channel. NumPy's formats do not keep the grid.
 *
 * @throws UserError if the extension is another, a value does not fit `type`, or the disk refuses
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

/** A tensor as the library hands it out (`Variables.readAll`, `saveCheckpoint`). */
export type Float32Tensor = Readonly<Omit<TypedTensor<'F32', Float32Array>, 'dtype'>>

/**
 * Writes weights as `.safetensors`.
 *
 * @param tensors by name; those without a `dtype` are float32
 * @param metadata free text, such as what `saveCheckpoint` makes
 * @throws UserError if the path has another extension, a shape does not fit its data, or the disk refuses
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

/**
 * Writes a file so that at no time a half-written one stands under its name: to `NAME.tmp-PID` beside it, which is
 * flushed to the disk and then renamed, or removed where anything fails.
 *
 * @throws UserError if the disk refuses: no such folder, no permission, no space
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp-${process.pid}`
  try {
    const file = await open(temporary, 'w')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw toUserError(error, path, 'cannot be written')
  }
}

/** The bytes of a file. @throws UserError if it cannot be read or is empty */
export async function readBytes(path: string): Promise<Uint8Array> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw toUserError(error, path, 'cannot be read')
  }
  if (bytes.length === 0) throw new UserError(`${path}: the file is empty`)
  return bytes
}

/** The first bytes of a file, all if it has fewer. */
async function readStart(path: string, length: number): Promise<Uint8Array> {
  try {
    const file = await open(path)
    try {
      const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, 0)
      if (bytesRead === 0) throw new UserError(`${path}: the file is empty`)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw toUserError(error, path, 'cannot be read')
  }
}

function toUserError(error: unknown, path: string, what: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  return new UserError(`${path}: ${what}: ${FS_ERRORS[String(error.code)] ?? error.message}`)
}
