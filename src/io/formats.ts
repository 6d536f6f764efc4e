import { UserError } from '../errors.js'
import type { FloatArray, Floats } from './dtype.js'
import { gzip, isGzip } from './gzip.js'
import { writeNifti } from './nifti-write.js'
import { readNifti, readNiftiHeader } from './nifti.js'
import { isNpy, readNpy, readNpyHeader, writeNpy } from './npy.js'
import { readNpz, readNpzHeader, writeNpz } from './npz.js'
import { readSafetensors, type TensorFile } from './safetensors.js'
import { readTorchCheckpoint } from './torch-checkpoint.js'
import { isLegacyTorch } from './torch-pickle.js'
import type { LabelVolume, Volume, VolumeHeader } from './volume.js'
import { requireFits, VOXEL_ARRAYS, type VoxelType } from './voxel-type.js'
import { isZip } from './zip.js'

/**
 * Decodes a volume; the extension of `source` says whether it is `.nii`, `.nii.gz`, `.npz` or `.npy`.
 *
 * @param source the file's name
 * @throws UserError if it is not an image, or its content does not match its extension
 */
export function decodeVolume(bytes: Uint8Array, source: string): Volume {
  return decode(bytes, source, Float32Array)
}

/** As `decodeVolume`, for a label map: integers up to 2^53 are exact. */
export function decodeLabels(bytes: Uint8Array, source: string): LabelVolume {
  return decode(bytes, source, Float64Array)
}

function decode<T extends FloatArray>(
  bytes: Uint8Array,
  source: string,
  floats: Floats<T>,
): VolumeHeader & { data: T } {
  const format = requireVolumeContent(bytes, source)
  if (format === '.npz') return readNpz(bytes, source, floats)
  if (format === '.npy') return readNpy(bytes, source, floats)
  return readNifti(bytes, source, floats)
}

/**
 * Reads what a volume's file says about it, without unpacking its voxels.
 *
 * @param bytes the file, or its first `headerBytes` bytes if the format allows
 * @param source the file's name
 * @param length of the whole file, in bytes
 * @returns undefined if that takes the voxels: for a NumPy array whose first or last axis might hold the classes
 * @throws UserError as `decodeVolume`, for errors that show without the voxels
 */
export function decodeHeader(
  bytes: Uint8Array,
  source: string,
  length = bytes.length,
): VolumeHeader | undefined {
  const format = requireVolumeContent(bytes, source)
  if (format === '.npz') return readNpzHeader(bytes, source)
  if (format === '.npy') return readNpyHeader(bytes, source, length)
  return readNiftiHeader(bytes, source)
}

/** How many bytes of a file `decodeHeader` needs; undefined for all: an archive has its directory at the end. */
export function headerBytes(source: string): number | undefined {
  return requireVolumeName(source) === '.npz' ? undefined : 1 << 16
}

function requireVolumeContent(bytes: Uint8Array, source: string): VolumeFormat {
  const format = requireVolumeName(source)
  // As in many tools, `.nii` may be gzipped and `.nii.gz` may be plain.
  const isRight = { '.npz': isZip, '.npy': isNpy, '.nii': isAnyNifti, '.nii.gz': isAnyNifti }[format]
  if (isRight(bytes)) return format
  throw new UserError(
    `${source}: the content is not what the name says, but ${describe(bytes)}; rename or convert it`,
  )
}

const isAnyNifti = (bytes: Uint8Array): boolean => isGzip(bytes) || isNifti(bytes)

/**
 * Encodes a volume in the format of the extension of `name`: `.nii`, `.nii.gz`, `.npz` (as `vol_data`) or `.npy`; as
 * `[D, H, W]` if it has one channel. NumPy's formats do not keep the grid.
 *
 * @throws UserError if the extension is not one of these, or a value does not fit `type`
 */
export function encodeVolume(name: string, volume: Volume | LabelVolume, type: VoxelType): Uint8Array {
  const format = requireVolumeName(name)
  if (format === '.nii') return writeNifti(volume, type)
  if (format === '.nii.gz') return gzip(writeNifti(volume, type))
  const shape = volume.channels > 1 ? [volume.channels, ...volume.grid.shape] : volume.grid.shape
  requireFits(volume.data, type, volume.source)
  const array = { shape, data: new VOXEL_ARRAYS[type](volume.data) }
  return format === '.npz' ? writeNpz({ vol_data: array }) : writeNpy(array)
}

/**
 * Decodes weights: `.safetensors`, or a PyTorch checkpoint of the SAE reference (`.pth.tar`, `.pth`, `.pt`).
 * The content decides which.
 *
 * @param source the file's name
 * @throws UserError if it is neither
 */
export function decodeTensors(bytes: Uint8Array, source: string): TensorFile {
  if (isLegacyTorch(bytes) || isZip(bytes))
    return { tensors: readTorchCheckpoint(bytes, source), metadata: {} }
  if (!source.toLowerCase().endsWith('.safetensors')) {
    throw new UserError(
      `${source}: not a weights file: not named .safetensors, and the content is ${describe(bytes)}, not a PyTorch file`,
    )
  }
  return readSafetensors(bytes, source)
}

/** The formats of volumes, by the extension of the file. */
export type VolumeFormat = '.nii.gz' | '.nii' | '.npz' | '.npy'
const VOLUME_FORMATS: readonly VolumeFormat[] = ['.nii.gz', '.nii', '.npz', '.npy']

/** The volume format of a file's extension. @throws UserError if it has none of these extensions */
export function requireVolumeName(path: string): VolumeFormat {
  const format = VOLUME_FORMATS.find((extension) => path.toLowerCase().endsWith(extension))
  if (format === undefined)
    throw new UserError(
      `${path}: not a volume by its name; it must end in ${VOLUME_FORMATS.join(', ')}${/\.mg[hz]$/i.test(path) ? ", to which FreeSurfer's mri_convert converts it" : ''}`,
    )
  return format
}

/** Checks the header's length, which comes first in both versions and byte orders. */
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
