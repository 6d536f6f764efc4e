import { readFile } from 'node:fs/promises'
import { UserError } from '../errors.js'
import { writeFileAtomic } from './atomic-file.js'
import { fileError } from './file-error.js'
import { decodeTensors, decodeVolume, encodeVolume, requireVolumeName } from './formats.js'
import { writeSafetensors, type Tensor, type TensorFile, type TypedTensor } from './safetensors.js'
import type { Volume } from './volume.js'
import type { VoxelType } from './voxel-type.js'

/**
 * Reads a volume: `.nii`, `.nii.gz`, `.npz` or `.npy`.
 *
 * @throws UserError if the file cannot be read, is no image, or its content is not what its name says
 */
export async function readVolume(path: string): Promise<Volume> {
  requireVolumeName(path)
  return decodeVolume(await readBytes(path), path)
}

/**
 * Writes a volume in the format that the extension names, `.nii`, `.nii.gz`, `.npz` (as `vol_data`) or `.npy`;
 * `[D, H, W]` if it has one channel. NumPy's formats do not keep the grid.
 *
 * @throws UserError if the extension is another, a value does not fit `type`, or the disk refuses
 */
export async function writeVolume(path: string, volume: Volume, type: VoxelType): Promise<void> {
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

/** The bytes of a file. @throws UserError if it cannot be read or is empty */
export async function readBytes(path: string): Promise<Uint8Array> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw fileError(error, path, 'cannot be read')
  }
  if (bytes.length === 0) throw new UserError(`${path}: the file is empty`)
  return bytes
}
