import { UserError } from '../errors.js'
import { toCOrder } from './axes.js'
import type { DType, FloatArray, Floats } from './dtype.js'
import { gunzipHead, isGzip } from './gzip.js'
import { readVoxels, type RawImage } from './raw-image.js'
import {
  isInvertible,
  requireReadable,
  unknownGrid,
  voxelSize,
  type FloatVolume,
  type Grid,
  type LabelVolume,
  type Volume,
  type VolumeHeader,
} from './volume.js'
import { requireFits, VOXEL_ARRAYS, type VoxelType } from './voxel-type.js'

/** The types of voxels that are read, by FreeSurfer's code: MRI_UCHAR, MRI_INT, MRI_FLOAT, MRI_SHORT, MRI_USHRT. */
const DTYPES: Readonly<Record<number, DType>> = { 0: 'u1', 1: 'i4', 3: 'f4', 4: 'i2', 10: 'u2' }
/** Those that are written; FreeSurfer has no double precision. */
const CODES = { uint8: 0, int32: 1, float32: 3, int16: 4 } as const
/** MRI_RGB: three bytes in one integer. */
const RGB = 9
const VERSION = 1
/** The header's fields end before this; the rest of it is unused. */
const HEADER_BYTES = 284
/** Where the fields lie, in bytes. */
const AT = { dims: 4, type: 20, goodRas: 28, delta: 30, directions: 42, centre: 78 }
/** Scan parameters and tags follow the voxels, a colour table among them: a megabyte or so. */
const MAX_TAGS = 2 ** 24

/** Whether bytes begin as an MGH file does; those of a `.mgz` are to be unpacked first. */
export function isMgh(bytes: Uint8Array): boolean {
  return [0, 0, 0, VERSION].every((byte, i) => bytes[i] === byte)
}

/**
 * Reads a FreeSurfer volume, `.mgh` or gzipped `.mgz` (https://surfer.nmr.mgh.harvard.edu/fswiki/FsTutorial/MghFormat);
 * frames become channels.
 *
 * Array axes D, H, W are FreeSurfer's columns, rows and slices, as in nibabel. The affine is scanner RAS, as
 * `mri_info --vox2ras` prints it. If `goodRASFlag` is 0, the file says nothing of its orientation, nor of the size of
 * its voxels, which count as 1 mm. What follows the voxels is ignored.
 * @param source the file's name, for messages
 * @throws UserError if this is not such a file, or its header does not match its length
 */
export function readMgh(bytes: Uint8Array, source: string): Volume
/** The same, with voxels as `floats`: `Float64Array` holds integers of up to 2^53 exactly. */
export function readMgh<T extends FloatArray>(
  bytes: Uint8Array,
  source: string,
  floats: Floats<T>,
): FloatVolume<T>
export function readMgh(
  bytes: Uint8Array,
  source: string,
  floats: Floats<FloatArray> = Float32Array,
): FloatVolume<FloatArray> {
  const view = headerOf(bytes, source)
  const image = imageOf(view, source)
  return { ...describe(view, image, source), data: readVoxels(bytes, image, source, floats) }
}

/**
 * What the header of an MGH file says.
 *
 * @param bytes the first 64 KiB of the file or more
 * @throws UserError as `readMgh`, if the header is bad
 */
export function readMghHeader(bytes: Uint8Array, source: string): VolumeHeader {
  const view = headerOf(bytes, source)
  return describe(view, imageOf(view, source), source)
}

function headerOf(bytes: Uint8Array, source: string): DataView {
  const head = isGzip(bytes) ? gunzipHead(bytes, HEADER_BYTES, source) : bytes
  if (head.length < HEADER_BYTES)
    throw new UserError(`${source}: not an MGH volume (.mgh, .mgz), or truncated within its header`)
  const view = new DataView(head.buffer, head.byteOffset, HEADER_BYTES)
  const version = view.getInt32(0)
  if (version !== VERSION) {
    throw new UserError(
      `${source}: not an MGH volume (.mgh, .mgz) of version ${VERSION}, but ${version} is in its place; convert it with mri_convert`,
    )
  }
  return view
}

function imageOf(view: DataView, source: string): RawImage {
  const dims = [0, 1, 2, 3].map((i) => view.getInt32(AT.dims + 4 * i)) as [number, number, number, number]
  if (!dims.every((size) => size > 0)) {
    throw new UserError(`${source}: the header's dimensions make no sense (${dims.join(' ')})`)
  }
  requireReadable(dims, source)
  const type = view.getInt32(AT.type)
  const dtype = DTYPES[type]
  if (dtype === undefined) {
    const found = type === RGB ? 'colours (MRI_RGB)' : `voxels of FreeSurfer's type ${type}`
    throw new UserError(`${source}: ${found} are not read; convert them to integers or floats`)
  }
  const [D, H, W, frames] = dims
  return {
    shape: [frames, D, H, W],
    dims,
    dtype,
    littleEndian: false,
    start: HEADER_BYTES,
    surplus: MAX_TAGS,
  }
}

function describe(view: DataView, { shape, dtype }: RawImage, source: string): VolumeHeader {
  const [channels, D, H, W] = shape
  const { grid, warning } = gridOf(view, [D, H, W])
  return { channels, grid, source, stored: dtype, warnings: warning ? [`${source}: ${warning}`] : [] }
}

function gridOf(view: DataView, shape: Grid['shape']): { grid: Grid; warning?: string } {
  if (view.getInt16(AT.goodRas) <= 0) return { grid: unknownGrid(shape) }
  const triple = (at: number): number[] => [0, 4, 8].map((offset) => view.getFloat32(at + offset))
  const size = triple(AT.delta)
  const directions = [0, 1, 2].map((axis) => triple(AT.directions + 12 * axis))
  const centre = triple(AT.centre)
  const rows = [0, 1, 2].map((row) => {
    const steps = [0, 1, 2].map((axis) => directions[axis]![row]! * size[axis]!)
    // The centre is that of voxel dims / 2, which is not a corner of it if dims are odd.
    return [...steps, centre[row]! - steps.reduce((sum, step, axis) => sum + (step * shape[axis]!) / 2, 0)]
  })
  const affine = [...rows, [0, 0, 0, 1]]
  if (isInvertible(affine)) return { grid: { shape, affine, known: true } }
  return { grid: unknownGrid(shape), warning: 'its vox2ras matrix is not invertible; ignored' }
}

/**
 * Writes an MGH volume, channels as frames. An unknown grid leaves `goodRASFlag` 0.
 *
 * @throws UserError if a value does not fit `type`, or `type` is float64, which FreeSurfer does not have
 */
export function writeMgh(volume: Volume | LabelVolume, type: VoxelType): Uint8Array {
  const { channels, grid, source } = volume
  if (type === 'float64') {
    throw new UserError(
      `${source}: FreeSurfer's formats hold no float64, nor integers beyond 31 bits; write .nii.gz`,
    )
  }
  requireFits(volume.data, type, source)
  const [D, H, W] = grid.shape
  const voxelArray = VOXEL_ARRAYS[type]
  const voxels = new voxelArray(volume.data.length)
  toCOrder(volume.data, [channels, W, H, D], [D * H * W, 1, W, H * W], voxels)
  const bytes = new Uint8Array(HEADER_BYTES + voxels.byteLength)
  const view = new DataView(bytes.buffer)
  view.setInt32(0, VERSION)
  ;[D, H, W, channels].forEach((size, i) => {
    view.setInt32(AT.dims + 4 * i, size)
  })
  view.setInt32(AT.type, CODES[type])
  writeGrid(view, grid)
  const body = new Uint8Array(voxels.buffer)
  const width = voxelArray.BYTES_PER_ELEMENT
  // Big-endian, each voxel's last byte first.
  for (let i = 0; i < body.length; i++) bytes[HEADER_BYTES + (i ^ (width - 1))] = body[i]!
  return bytes
}

function writeGrid(view: DataView, { shape, affine, known }: Grid): void {
  view.setInt16(AT.goodRas, known ? 1 : 0)
  const size = voxelSize(affine)
  const put = (at: number, index: number, value: number): void => {
    view.setFloat32(at + 4 * index, value)
  }
  for (let axis = 0; axis < 3; axis++) {
    put(AT.delta, axis, size[axis]!)
    for (let row = 0; row < 3; row++) put(AT.directions, 3 * axis + row, affine[row]![axis]! / size[axis]!)
    const row = affine[axis]!
    put(
      AT.centre,
      axis,
      shape.reduce((sum, extent, i) => sum + (row[i]! * extent) / 2, row[3]!),
    )
  }
}

/** Whether FreeSurfer's formats have a type of voxels. */
export function mghHolds(type: VoxelType): boolean {
  return type in CODES
}
