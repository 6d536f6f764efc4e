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
 * Decodes a volume, `.nii`, `.nii.gz`, `.npz` or `.npy` by its name.
 *
 * @param source the file's name
 * @throws UserError if it is no image, or its content is not what its name says
 */
export function decodeVolume(bytes: Uint8Array, source: string): Volume {
  return decode(bytes, source, Float32Array)
}

/** As `decodeVolume`, with integers of up to 2^53 kept exactly. */
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
 * What a volume's file says of it, without unpacking its voxels.
 *
 * @param bytes the file, or the first `headerBytes` of it if that is enough for its format
 * @param source the file's name
 * @param length of the whole file, in bytes
 * @returns undefined if only the voxels tell: a NumPy array whose first and last axis might both be its classes
 * @throws UserError as `decodeVolume`, for what can be seen by then
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

/** How many bytes of a file `decodeHeader` needs; undefined for all, as an archive has its directory at the end. */
export function headerBytes(source: string): number | undefined {
  return requireVolumeName(source) === '.npz' ? undefined : 1 << 16
}

function requireVolumeContent(bytes: Uint8Array, source: string): VolumeFormat {
  const format = requireVolumeName(source)
  // Many tools read gzipped and plain NIfTI under either name, and so does this one.
  const isRight = { '.npz': isZip, '.npy': isNpy, '.nii': isAnyNifti, '.nii.gz': isAnyNifti }[format]
  if (isRight(bytes)) return format
  throw new UserError(
    `${source}: the content is not what the name says, but ${describe(bytes)}; rename or convert it`,
  )
}

const isAnyNifti = (bytes: Uint8Array): boolean => isGzip(bytes) || isNifti(bytes)

/**
 * Encodes a volume in the format that the extension of `name` says, `.nii`, `.nii.gz`, `.npz` (as `vol_data`) or
 * `.npy`; `[D, H, W]` if it has one channel. NumPy's formats do not keep the grid.
 *
 * @throws UserError if the extension is another, or a value does not fit `type`
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

/** The format that a file's name says. @throws UserError if it says none of a volume */
export function requireVolumeName(path: string): VolumeFormat {
  const format = VOLUME_FORMATS.find((extension) => path.toLowerCase().endsWith(extension))
  if (format === undefined)
    throw new UserError(
      `${path}: not a volume by its name; it must end in ${VOLUME_FORMATS.join(', ')}${/\.mg[hz]$/i.test(path) ? ", to which FreeSurfer's mri_convert converts it" : ''}`,
    )
  return format
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
