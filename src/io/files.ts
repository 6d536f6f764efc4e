import { open, readFile, rename, rm } from 'node:fs/promises'
import { UserError } from '../errors.js'
import { gzip, isGzip } from './gzip.js'
import { writeNifti } from './nifti-write.js'
import { readNifti } from './nifti.js'
import { isNpy, readNpy, writeNpy } from './npy.js'
import { readNpz, writeNpz } from './npz.js'
import {
  readSafetensors,
  writeSafetensors,
  type Tensor,
  type TensorFile,
  type TypedTensor,
} from './safetensors.js'
import { readTorchCheckpoint } from './torch-checkpoint.js'
import { isLegacyTorch } from './torch-pickle.js'
import type { Volume } from './volume.js'
import { requireFits, VOXEL_ARRAYS, type VoxelType } from './voxel-type.js'
import { isZip } from './zip.js'

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
 * @throws UserError where the file cannot be read, is no image, or its content is not what its name says
 */
export async function readVolume(path: string): Promise<Volume> {
  const format = volumeFormat(path)
  const bytes = await readBytes(path)
  switch (format) {
    case '.npz':
      requireContent(path, bytes, isZip)
      return readNpz(bytes, path)
    case '.npy':
      requireContent(path, bytes, isNpy)
      return readNpy(bytes, path)
    case '.nii.gz':
    case '.nii':
      // Many tools read either under either name, and so does this one.
      requireContent(path, bytes, (content) => isGzip(content) || isNifti(content))
      return readNifti(bytes, path)
  }
}

/**
 * Writes a volume in the format that the extension names, `.nii`, `.nii.gz`, `.npz` (as `vol_data`) or `.npy`;
 * `[D, H, W]` where it has one channel. NumPy's formats do not keep the grid.
 *
 * @throws UserError where the extension is another, a value does not fit `type`, or the disk refuses
 */
export async function writeVolume(path: string, volume: Volume, type: VoxelType): Promise<void> {
  await writeFileAtomic(path, encodeVolume(volumeFormat(path), volume, type))
}

function encodeVolume(format: VolumeFormat, volume: Volume, type: VoxelType): Uint8Array {
  if (format === '.nii') return writeNifti(volume, type)
  if (format === '.nii.gz') return gzip(writeNifti(volume, type))
  const shape = volume.channels > 1 ? [volume.channels, ...volume.grid.shape] : volume.grid.shape
  requireFits(volume.data, type, volume.source)
  const array = { shape, data: new VOXEL_ARRAYS[type](volume.data) }
  return format === '.npz' ? writeNpz({ vol_data: array }) : writeNpy(array)
}

/**
 * Reads weights: `.safetensors`, or a PyTorch checkpoint of the SAE reference (`.pth.tar`, `.pth`, `.pt`).
 * The content decides which.
 *
 * @throws UserError where the file cannot be read or is neither
 */
export async function readTensors(path: string): Promise<TensorFile> {
  const bytes = await readBytes(path)
  if (isLegacyTorch(bytes) || isZip(bytes)) return { tensors: readTorchCheckpoint(bytes, path), metadata: {} }
  if (!path.toLowerCase().endsWith('.safetensors')) {
    throw new UserError(
      `${path}: no weights file: not named .safetensors, and the content is ${describe(bytes)}, not a PyTorch file`,
    )
  }
  return readSafetensors(bytes, path)
}

/** A tensor as the library hands it out (`saveTensors`, `saveCheckpoint`). */
export type Float32Tensor = Readonly<Omit<TypedTensor<'F32', Float32Array>, 'dtype'>>

/**
 * Writes weights as `.safetensors`.
 *
 * @param tensors by name; those without a `dtype` are float32
 * @param metadata free text, such as what `saveCheckpoint` makes
 * @throws UserError where the path has another extension, a shape does not fit its data, or the disk refuses
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
 * @throws UserError where the disk refuses: no such folder, no permission, no space
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

/** The bytes of a file. @throws UserError where it cannot be read or is empty */
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

function toUserError(error: unknown, path: string, what: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  return new UserError(`${path}: ${what}: ${FS_ERRORS[String(error.code)] ?? error.message}`)
}

type VolumeFormat = '.nii.gz' | '.nii' | '.npz' | '.npy'
const VOLUME_FORMATS: readonly VolumeFormat[] = ['.nii.gz', '.nii', '.npz', '.npy']

function volumeFormat(path: string): VolumeFormat {
  const format = VOLUME_FORMATS.find((extension) => path.toLowerCase().endsWith(extension))
  if (format === undefined)
    throw new UserError(`${path}: not a volume by its name; it must end in ${VOLUME_FORMATS.join(', ')}`)
  return format
}

function requireContent(path: string, bytes: Uint8Array, isRight: (bytes: Uint8Array) => boolean): void {
  if (isRight(bytes)) return
  throw new UserError(
    `${path}: the content is not what the name says, but ${describe(bytes)}; rename or convert it`,
  )
}

/** The length of its header, first thing in either version and byte order. */
function isNifti(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return [348, 540].some((size) => view.getInt32(0, true) === size || view.getInt32(0, false) === size)
}

function describe(bytes: Uint8Array): string {
  if (isNifti(bytes)) return 'a NIfTI image (.nii)'
  if (isNpy(bytes)) return 'a NumPy array (.npy)'
  if (isZip(bytes)) return 'a zip archive (.npz or other)'
  if (isGzip(bytes)) return 'gzip data (.nii.gz, .mgz or other)'
  if (isLegacyTorch(bytes)) return 'a PyTorch file (.pth)'
  if (new TextDecoder('latin1').decode(bytes.subarray(128, 132)) === 'DICM') return 'a DICOM file'
  return 'of an unknown kind'
}
