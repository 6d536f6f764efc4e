import { isNIFTI, NIFTI1, readHeader, type NIFTI2 } from 'nifti-reader-js'
import { UserError } from '../errors.js'
import type { Shape4 } from './axes.js'
import type { DType, FloatArray, Floats } from './dtype.js'
import { gunzipHead, isGzip } from './gzip.js'
import { toMillimetres } from './nifti-units.js'
import { readVoxels, type RawImage } from './raw-image.js'
import {
  formatShape,
  isInvertible,
  PLACEMENT_TOLERANCE,
  placementDistance,
  requireReadable,
  voxelSize,
  type Grid,
  type NiftiHeaderInfo,
  type Volume,
  type FloatVolume,
  type VolumeHeader,
} from './volume.js'

const DTYPES: Readonly<Record<number, DType>> = {
  [NIFTI1.TYPE_UINT8]: 'u1',
  [NIFTI1.TYPE_INT16]: 'i2',
  [NIFTI1.TYPE_INT32]: 'i4',
  [NIFTI1.TYPE_FLOAT32]: 'f4',
  [NIFTI1.TYPE_FLOAT64]: 'f8',
  [NIFTI1.TYPE_INT8]: 'i1',
  [NIFTI1.TYPE_UINT16]: 'u2',
  [NIFTI1.TYPE_UINT32]: 'u4',
  [NIFTI1.TYPE_INT64]: 'i8',
  [NIFTI1.TYPE_UINT64]: 'u8',
}
/** For both versions: length of the header, byte offset of `srow_x`, least `vox_offset` of a single-file image. */
const LAYOUT = {
  1: { header: 348, srow: 280, data: 352 },
  2: { header: 540, srow: 400, data: 544 },
}
/** Latest start of the image in the file; leaves room for header extensions. */
const MAX_START = 2 ** 26
/** If more bytes than this follow the image in a gzipped file, it is damaged or a decompression bomb. */
const MAX_SURPLUS = 2 ** 20

type Header = NIFTI1 | NIFTI2

/**
 * Reads a NIfTI-1 or NIfTI-2 image, gzipped or not (https://nifti.nimh.nih.gov/nifti-1, nifti-2).
 *
 * Three axes, or four with the channels in the fourth (or later) one. Array axes D, H, W are NIfTI's i, j, k, as in
 * nibabel. `scl_slope` and `scl_inter` are applied unless the slope is 0 or not finite. The affine is the sform if in
 * use, else the qform, else the voxel sizes alone; one that is not invertible is ignored, with a warning. A header in
 * metres or micrometres is converted to millimetres, with a warning.
 * @param source the file's name, for messages
 * @throws UserError if this is not such an image, or its header does not match its length
 */
export function readNifti(bytes: Uint8Array, source: string): Volume
/** As above, but with voxels of type `floats`: `Float64Array` keeps integers up to 2^53 exact. */
export function readNifti<T extends FloatArray>(
  bytes: Uint8Array,
  source: string,
  floats: Floats<T>,
): FloatVolume<T>
export function readNifti(
  bytes: Uint8Array,
  source: string,
  floats: Floats<FloatArray> = Float32Array,
): FloatVolume<FloatArray> {
  return volumeOf(readLayout(bytes, source, 'one file'), bytes, source, source, floats)
}

/**
 * As `readNifti`, of an image that is kept apart from its header (`ni1`, `ni2`).
 *
 * @param source the name of the header
 * @param image the file with the voxels
 */
export function readNiftiPair<T extends FloatArray>(
  header: Uint8Array,
  source: string,
  image: { readonly bytes: Uint8Array; readonly source: string },
  floats: Floats<T>,
): FloatVolume<T> {
  return volumeOf(readLayout(header, source, 'pair'), image.bytes, image.source, source, floats)
}

/**
 * Reads the header of a NIfTI image.
 *
 * @param bytes the first 64 KiB of the file or more
 * @param kind whether it is one file or the header of a pair
 * @throws UserError as `readNifti`, if the header is bad
 */
export function readNiftiHeader(bytes: Uint8Array, source: string, kind: Kind = 'one file'): VolumeHeader {
  return describe(readLayout(bytes, source, kind), source)
}

/** Whether the header and the voxels of an image are in one file. */
type Kind = 'one file' | 'pair'

function volumeOf<T extends FloatArray>(
  layout: Layout,
  bytes: Uint8Array,
  file: string,
  source: string,
  floats: Floats<T>,
): FloatVolume<T> {
  const data = readVoxels(bytes, layout.image, file, floats)
  rescale(data, layout.header, source)
  return { ...describe(layout, source), data }
}

function describe({ header, srow, image, unit }: Layout, source: string): VolumeHeader {
  const [channels, ...shape] = image.shape
  const warnings: string[] = []
  if (unit !== undefined) warnings.push(`${source}: the header is in ${unit}; converted to millimetres`)
  const grid = toGrid(header, srow, shape, (text) => warnings.push(`${source}: ${text}`))
  const description = header.description.replace(/\0.*$/s, '')
  const stored = isScaled(header) ? undefined : image.dtype
  return { channels, grid, source, warnings, description, stored }
}

/** The layout of a file, from its header. */
interface Layout {
  readonly header: Header
  readonly srow: number[][]
  readonly image: RawImage
  /** What the lengths of the file's header were in, if not in millimetres as here. */
  readonly unit: string | undefined
}

function readLayout(bytes: Uint8Array, source: string, kind: Kind): Layout {
  const head = isGzip(bytes) ? gunzipHead(bytes, LAYOUT[2].header, source) : bytes
  const { header, srow } = parseHeader(head, source, kind)
  const unit = toMillimetres(header, srow.slice(0, 3))
  const shape = imageShape(header, source)
  const dims = dimsOf(header)
  requireReadable(dims, source)
  const dtype = DTYPES[header.datatypeCode]
  if (dtype === undefined) {
    throw new UserError(
      `${source}: voxels of NIfTI datatype ${header.datatypeCode} are not supported; convert them to integers or floats`,
    )
  }
  const start = imageStart(header, source, kind)
  const { littleEndian } = header
  return { header, srow, unit, image: { shape, dims, dtype, littleEndian, start, surplus: MAX_SURPLUS } }
}

function parseHeader(raw: Uint8Array, source: string, kind: Kind): { header: Header; srow: number[][] } {
  // The header without its extensions: they are not needed, and the library does not check their lengths.
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
  const version =
    raw.length >= 4 && (view.getInt32(0, true) === 540 || view.getInt32(0, false) === 540) ? 2 : 1
  const layout = LAYOUT[version]
  const bytes = new Uint8Array(raw.subarray(0, layout.header)).buffer
  if (!isNIFTI(bytes, true) || bytes.byteLength < layout.header) {
    throw new UserError(`${source}: not a NIfTI image (.nii, .nii.gz), or truncated within its header`)
  }
  let header: Header
  try {
    header = readHeader(bytes, true)
  } catch {
    throw new UserError(`${source}: the NIfTI header is damaged`)
  }
  if (header.magic.startsWith('ni') !== (kind === 'pair')) {
    throw new UserError(
      kind === 'pair'
        ? `${source}: header and image are in one file by its magic string; rename it to .nii`
        : `${source}: a header kept apart from its image; rename the two to .hdr and .img`,
    )
  }
  const fields = new DataView(bytes)
  const number = (index: number): number =>
    version === 1
      ? fields.getFloat32(layout.srow + 4 * index, header.littleEndian)
      : fields.getFloat64(layout.srow + 8 * index, header.littleEndian)
  // Parsed here because the library drops the sform if it prefers the qform.
  const rows = [0, 1, 2].map((row) => [0, 1, 2, 3].map((column) => number(4 * row + column)))
  return { header, srow: [...rows, [0, 0, 0, 1]] }
}

function imageShape(header: Header, source: string): Shape4 {
  const rank = header.dims[0]!
  const dims = dimsOf(header)
  if (!(rank >= 1 && rank <= 7) || !dims.every((size) => Number.isSafeInteger(size) && size > 0)) {
    throw new UserError(`${source}: the header's dimensions make no sense (dim = ${header.dims.join(' ')})`)
  }
  const [D, H, W, ...rest] = dims
  const channels = rest.filter((size) => size > 1)
  if (D === undefined || H === undefined || W === undefined || channels.length > 1) {
    throw new UserError(
      `${source}: an image of ${formatShape(dims)}; it must have three axes, or four with channels last`,
    )
  }
  return [channels[0] ?? 1, D, H, W]
}

function imageStart(header: Header, source: string, kind: Kind): number {
  const { data } = LAYOUT[header instanceof NIFTI1 ? 1 : 2]
  if (!(header.vox_offset >= 0 && header.vox_offset <= MAX_START)) {
    throw new UserError(
      `${source}: vox_offset, where the image starts, makes no sense; the header is damaged`,
    )
  }
  // Some writers leave vox_offset 0; in one file, the image cannot lie within the header.
  return Math.max(Math.trunc(header.vox_offset), kind === 'pair' ? 0 : data)
}

function dimsOf(header: Header): number[] {
  return header.dims.slice(1, header.dims[0]! + 1)
}

function isScaled({ scl_slope: slope, scl_inter: inter }: Header): boolean {
  return slope !== 0 && Number.isFinite(slope) && (slope !== 1 || inter !== 0)
}

function rescale(data: FloatArray, header: Header, source: string): void {
  if (!isScaled(header)) return
  const { scl_slope: slope, scl_inter: inter } = header
  if (!Number.isFinite(inter))
    throw new UserError(`${source}: scl_inter is ${inter}; set it to a number in the header`)
  for (let i = 0; i < data.length; i++) data[i] = data[i]! * slope + inter
}

function toGrid(header: Header, srow: number[][], shape: Grid['shape'], warn: (text: string) => void): Grid {
  const info: NiftiHeaderInfo = {
    pixdim: [...header.pixDims],
    xyztUnits: header.xyzt_units,
    qformCode: header.qform_code,
    sformCode: header.sform_code,
    quaternion: [header.quatern_b, header.quatern_c, header.quatern_d],
    qoffset: [header.qoffset_x, header.qoffset_y, header.qoffset_z],
    qform: header.getQformMat(),
    sform: srow,
  }

  const usable = (name: string, code: number, matrix: number[][]): boolean => {
    if (code <= 0) return false
    if (isInvertible(matrix)) return true
    warn(`the ${name} is in use but not invertible; ignored`)
    return false
  }
  const useSform = usable('sform', info.sformCode, info.sform)
  const useQform = usable('qform', info.qformCode, info.qform)
  if (useSform && useQform) {
    const distance = placementDistance(info.sform, info.qform, shape)
    if (distance > PLACEMENT_TOLERANCE) {
      warn(`sform and qform place voxels up to ${distance.toFixed(2)} mm apart; the sform is used`)
    }
  }
  const placed = (affine: number[][], known: boolean): Grid => {
    const ignored = [info.sformCode > 0 && !useSform, info.qformCode > 0 && !useQform] as const
    return { shape, affine, known, header: withoutIgnored(info, ignored, affine) }
  }
  if (useSform) return placed(info.sform, true)
  if (useQform) return placed(info.qform, true)
  const size = (axis: number): number => {
    const pixdim = Math.abs(info.pixdim[axis + 1]!)
    return pixdim > 0 && Number.isFinite(pixdim) ? pixdim : 1
  }
  const affine = [0, 1, 2, 3].map((row) =>
    [0, 1, 2, 3].map((column) => (row !== column ? 0 : row < 3 ? size(row) : 1)),
  )
  return placed(affine, false)
}

/**
 * A header in which the affine that is used stands for forms that are ignored: what is written of the grid says what was
 * read of it.
 *
 * @param ignored whether the sform is, and the qform
 */
function withoutIgnored(
  info: NiftiHeaderInfo,
  [sform, qform]: readonly [boolean, boolean],
  affine: number[][],
): NiftiHeaderInfo {
  const [, , , , ...others] = info.pixdim
  return {
    ...info,
    ...(sform ? { sformCode: qform ? 0 : Math.max(info.qformCode, 0), sform: affine } : {}),
    ...(qform
      ? {
          ...{ pixdim: [1, ...voxelSize(affine), ...others], qformCode: 0, qform: affine },
          ...{ quaternion: [0, 0, 0], qoffset: [0, 0, 0] },
        }
      : {}),
  }
}
