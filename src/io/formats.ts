import { UserError } from '../errors.js'
import type { FloatArray, Floats } from './dtype.js'
import { gzip, isGzip } from './gzip.js'
import { isMgh, readMgh, readMghHeader, writeMgh } from './mgh.js'
import { writeNifti } from './nifti-write.js'
import { readNifti, readNiftiHeader } from './nifti.js'
import { isNpy, readNpy, readNpyHeader, writeNpy } from './npy.js'
import { readNpz, readNpzHeader, writeNpz } from './npz.js'
import { readPair, readPairHeader } from './pair-volume.js'
import { pairOf } from './pairs.js'
import { readSafetensors, type TensorFile } from './safetensors.js'
import { readTorchCheckpoint } from './torch-checkpoint.js'
import { isLegacyTorch } from './torch-pickle.js'
import type { FloatVolume, LabelVolume, Volume, VolumeHeader } from './volume.js'
import { requireFits, VOXEL_ARRAYS, type VoxelType } from './voxel-type.js'
import { isZip } from './zip.js'

/** How the files of a format are recognised and read. */
interface Reader {
  /** Whether bytes begin as they should. */
  readonly isRight: (bytes: Uint8Array) => boolean
  readonly read: <T extends FloatArray>(
    bytes: Uint8Array,
    source: string,
    floats: Floats<T>,
    image: Uint8Array | undefined,
  ) => FloatVolume<T>
  readonly header: (bytes: Uint8Array, source: string, length: number) => VolumeHeader | undefined
}

// Many tools read gzipped and plain files under either name, and so does this one.
const nifti: Reader = {
  isRight: (bytes) => isGzip(bytes) || isNifti(bytes),
  read: readNifti,
  header: (bytes, source) => readNiftiHeader(bytes, source),
}
const mgh: Reader = {
  isRight: (bytes) => isGzip(bytes) || isMgh(bytes),
  read: readMgh,
  header: readMghHeader,
}
const pair: Reader = {
  isRight: nifti.isRight,
  read: (bytes, source, floats, image) => readPair(bytes, source, image, floats),
  header: readPairHeader,
}

/** The formats of volumes that are read, by the extension of the file. */
const readers: Readonly<Record<VolumeFormat, Reader>> = {
  '.nii.gz': nifti,
  '.nii': nifti,
  '.mgz': mgh,
  '.mgh': mgh,
  '.hdr.gz': pair,
  '.hdr': pair,
  '.img.gz': pair,
  '.img': pair,
  '.npz': { isRight: isZip, read: readNpz, header: readNpzHeader },
  '.npy': { isRight: isNpy, read: readNpy, header: readNpyHeader },
}

/** The extensions of files that are read. A `.hdr` and its `.img` are one volume. */
export type VolumeFormat =
  '.nii.gz' | '.nii' | '.mgz' | '.mgh' | '.hdr.gz' | '.hdr' | '.img.gz' | '.img' | '.npz' | '.npy'
const VOLUME_FORMATS = Object.keys(readers) as readonly VolumeFormat[]

/** The extensions of files that are written. */
export type WritableFormat = '.nii.gz' | '.nii' | '.mgz' | '.mgh' | '.npz' | '.npy'
const WRITABLE_FORMATS: readonly WritableFormat[] = ['.nii.gz', '.nii', '.mgz', '.mgh', '.npz', '.npy']

/**
 * Decodes a volume: `.nii`, `.nii.gz`, `.mgz`, `.mgh`, `.npz`, `.npy`, or the `.hdr` and `.img` of a pair, by its name.
 *
 * @param source the file's name; of a pair, either
 * @param image the bytes of the `.img`, if `bytes` are those of a `.hdr`
 * @throws UserError if it is not an image, or its content does not match its name
 */
export function decodeVolume(bytes: Uint8Array, source: string, image?: Uint8Array): Volume {
  return decode(bytes, source, Float32Array, image)
}

/** As `decodeVolume`, with integers of up to 2^53 kept exactly. */
export function decodeLabels(bytes: Uint8Array, source: string, image?: Uint8Array): LabelVolume {
  return decode(bytes, source, Float64Array, image)
}

function decode<T extends FloatArray>(
  bytes: Uint8Array,
  source: string,
  floats: Floats<T>,
  image: Uint8Array | undefined,
): FloatVolume<T> {
  return readerOf(bytes, source).read(bytes, source, floats, image)
}

/**
 * Reads what a volume's file says about it, without unpacking its voxels.
 *
 * @param bytes the file, or the first `headerBytes` of it if that is enough for its format; of a pair, its `.hdr`
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
  return readerOf(bytes, source).header(bytes, source, length)
}

/** How many bytes of a file `decodeHeader` needs; undefined for all: an archive has its directory at the end. */
export function headerBytes(source: string): number | undefined {
  return requireVolumeName(source) === '.npz' ? undefined : 1 << 16
}

function readerOf(bytes: Uint8Array, source: string): Reader {
  const reader = readers[requireVolumeName(source)]
  if (reader.isRight(bytes)) return reader
  throw new UserError(
    `${source}: the content is not what the name says, but ${describe(bytes)}; ${isDicom(bytes) ? 'convert it (dcm2niix)' : 'rename or convert it'}`,
  )
}

/**
 * Encodes a volume in the format that the extension of `name` says: `.nii`, `.nii.gz`, `.mgz`, `.mgh`, `.npz` (as
 * `vol_data`) or `.npy`; `[D, H, W]` if it has one channel. NumPy's formats do not keep the grid.
 *
 * @throws UserError if the extension is not one of these, or a value does not fit `type`
 */
export function encodeVolume(name: string, volume: Volume | LabelVolume, type: VoxelType): Uint8Array {
  const format = requireWritableName(name)
  if (format === '.nii') return writeNifti(volume, type)
  if (format === '.nii.gz') return gzip(writeNifti(volume, type))
  if (format === '.mgh') return writeMgh(volume, type)
  if (format === '.mgz') return gzip(writeMgh(volume, type))
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

/** The volume format of a file's extension. @throws UserError if it has none of these extensions */
export function requireVolumeName(path: string): VolumeFormat {
  return requireExtension(path, VOLUME_FORMATS)
}

/** The format to write a file in, by its name. @throws UserError if it says none that is written */
export function requireWritableName(path: string): WritableFormat {
  return requireExtension(path, WRITABLE_FORMATS)
}

function requireExtension<F extends string>(path: string, formats: readonly F[]): F {
  const format = formats.find((extension) => path.toLowerCase().endsWith(extension))
  if (format !== undefined) return format
  if (/\.(dcm|dicom|ima)$/i.test(path)) {
    throw new UserError(
      `${path}: a DICOM file by its name, which is not read; make NIfTI files of its folder: dcm2niix -z y -o OUT FOLDER`,
    )
  }
  const use = pairOf(path) ? 'pairs are read but not written' : 'not a volume by its name'
  throw new UserError(`${path}: ${use}; it must end in ${formats.join(', ')}`)
}

/** Whether a file begins as DICOM's do: 128 bytes of anything, then its mark. */
export function isDicom(bytes: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(bytes.subarray(128, 132)) === 'DICM'
}

/** Checks the header's length, which comes first in both versions and byte orders. */
function isNifti(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return [348, 540].some((size) => view.getInt32(0, true) === size || view.getInt32(0, false) === size)
}

function describe(bytes: Uint8Array): string {
  if (isNifti(bytes)) return 'a NIfTI image (.nii)'
  if (isMgh(bytes)) return 'a FreeSurfer volume (.mgh)'
  if (isNpy(bytes)) return 'a NumPy array (.npy)'
  if (isZip(bytes)) return 'a zip archive (.npz or other)'
  if (isGzip(bytes)) return 'gzip data (.nii.gz, .mgz or other)'
  if (isLegacyTorch(bytes)) return 'a PyTorch file (.pth)'
  if (isDicom(bytes)) return 'a DICOM file'
  return 'of an unknown kind'
}
