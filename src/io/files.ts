import { open, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
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
import { decodeTfjsModel, describeTfjsModel, type TfjsLayer } from './tfjs-model.js'
import type { LabelVolume, Volume, VolumeHeader } from './volume.js'
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

/** Tables are small; a JSON of this size takes some 300 MB when parsed, if it is made for that. */
const MAX_TEXT_BYTES = 4_000_000

/** As `readVolume`, for a label map: integers of up to 2^53 are kept exactly. */
export async function readLabelVolume(path: string): Promise<LabelVolume> {
  requireVolumeName(path)
  return decodeLabels(await readBytes(path), path)
}

/**
 * What a volume's file says of it, without unpacking its voxels wherever that is possible: what can be known of a file
 * in milliseconds.
 *
 * @throws UserError as `readVolume`, for what can be seen by then
 */
export async function readVolumeHeader(path: string): Promise<VolumeHeader> {
  const head = headerBytes(path)
  const length = await requireFile(path)
  const bytes = head === undefined ? await readBytes(path) : await readHead(path, head)
  return decodeHeader(bytes, path, length) ?? readVolume(path)
}

/**
 * Writes a volume in the format that the extension names, `.nii`, `.nii.gz`, `.npz` (as `vol_data`) or `.npy`;
 * `[D, H, W]` if it has one channel. NumPy's formats do not keep the grid.
 *
 * @throws UserError if the extension is another, a value does not fit `type`, or the file cannot be written
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

/** A tensor as the library hands it out (`Variables.readAll`, `saveCheckpoint`). */
export type Float32Tensor = Readonly<Omit<TypedTensor<'F32', Float32Array>, 'dtype'>>

/**
 * Writes weights as `.safetensors`.
 *
 * @param tensors by name; those without a `dtype` are float32
 * @param metadata free text, such as what `saveCheckpoint` makes
 * @throws UserError if the path has another extension, a shape does not fit its data, or the file cannot be written
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
 * Reads a TensorFlow.js layers model such as brainchop's (`describeTfjsModel`): `model.json`, and the files of weights
 * beside it.
 *
 * @param path the folder, or its `model.json`
 * @throws UserError if a file cannot be read, or the model is none that is read
 */
export async function readTfjsModel(path: string): Promise<TfjsLayer[]> {
  const files = await tfjsModelFiles(path)
  const description = describeTfjsModel(await readText(files[0]!), files[0])
  let length = 0
  for (const shard of files.slice(1)) length += await requireFile(shard)
  if (length !== description.bytes)
    throw new UserError(
      `${files[0]!}: its weights take ${description.bytes} bytes, but ${files.slice(1).join(', ')} hold ${length}`,
    )
  const shards: Uint8Array[] = []
  for (const shard of files.slice(1)) shards.push(await readBytes(shard))
  return decodeTfjsModel(description, shards, files[0])
}

/** The files of a TensorFlow.js layers model, `model.json` first. @throws UserError as `readTfjsModel` */
export async function tfjsModelFiles(path: string): Promise<string[]> {
  const json = /\.json$/i.test(path) ? path : join(path, 'model.json')
  const { shards } = describeTfjsModel(await readText(json), json)
  return [json, ...shards.map((shard) => join(dirname(json), shard))]
}

/** The bytes of a file. @throws UserError if it cannot be read, is no regular file, or is empty */
export async function readBytes(path: string): Promise<Uint8Array> {
  await requireFile(path)
  try {
    return await readFile(path)
  } catch (error) {
    throw fileError(error, path, 'cannot be read')
  }
}

/** A small file of text, such as a table. @throws UserError as `readBytes`, and if it is larger than any table */
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

/** The length of a file in bytes. A device or a pipe may have no end. */
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
