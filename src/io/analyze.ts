import { UserError } from '../errors.js'
import type { DType } from './dtype.js'
import type { RawImage } from './raw-image.js'
import { formatShape, requireReadable, type Grid } from './volume.js'

/** The types of voxels that are read: those of Mayo's ANALYZE 7.5, and the three that SPM added. */
const DTYPES: Readonly<Record<number, DType>> = {
  2: 'u1',
  4: 'i2',
  8: 'i4',
  16: 'f4',
  64: 'f8',
  130: 'i1',
  132: 'u2',
  136: 'u4',
}
const HEADER_BYTES = 348
/** Where the fields of `struct dsr` lie, in bytes. */
const AT = { dims: 40, datatype: 70, pixdim: 76, voxOffset: 108, scale: 112, orient: 252, magic: 344 }
const MAX_START = 2 ** 26
const MAX_SURPLUS = 2 ** 20

/** What an Analyze header says. */
interface AnalyzeHeader {
  readonly image: RawImage
  readonly grid: Grid
  /** What voxels are multiplied by: SPM's use of a field that was free. */
  readonly scale: number
  readonly warnings: readonly string[]
}

/** Whether the header of a `.hdr`/`.img` pair is Analyze's: it has the length of NIfTI-1's, but no magic string. */
export function isAnalyze(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_BYTES) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const magic = String.fromCharCode(...bytes.subarray(AT.magic, AT.magic + 3))
  return (
    !['ni1', 'n+1'].includes(magic) &&
    [true, false].some((little) => view.getInt32(0, little) === HEADER_BYTES)
  )
}

/**
 * Reads the header of an Analyze 7.5 image.
 *
 * The format does not say which side is left, so the grid is unknown, with the header's voxel sizes. Its `orient` field
 * is ignored: programs have not agreed on what it means.
 * @param bytes of the `.hdr`, for which `isAnalyze` holds
 * @throws UserError if it makes no sense, or voxels are of a type that is not read
 */
export function readAnalyzeHeader(bytes: Uint8Array, source: string): AnalyzeHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES)
  const littleEndian = view.getInt32(0, true) === HEADER_BYTES
  const dim = Array.from({ length: 8 }, (_, i) => view.getInt16(AT.dims + 2 * i, littleEndian))
  const rank = dim[0]!
  const dims = dim.slice(1, rank + 1)
  if (!(rank >= 1 && rank <= 7) || !dims.every((size) => size > 0)) {
    throw new UserError(`${source}: the header's dimensions make no sense (dim = ${dim.join(' ')})`)
  }
  const [D, H, W, ...rest] = dims
  const channels = rest.filter((size) => size > 1)
  if (D === undefined || H === undefined || W === undefined || channels.length > 1) {
    throw new UserError(
      `${source}: an image of ${formatShape(dims)}; three axes are read, or four with channels last`,
    )
  }
  requireReadable(dims, source)
  const datatype = view.getInt16(AT.datatype, littleEndian)
  const dtype = DTYPES[datatype]
  if (dtype === undefined) {
    throw new UserError(
      `${source}: voxels of Analyze datatype ${datatype} are not read; convert them to integers or floats`,
    )
  }
  const start = view.getFloat32(AT.voxOffset, littleEndian)
  if (!(start >= 0 && start <= MAX_START)) {
    throw new UserError(
      `${source}: vox_offset, where the image starts, makes no sense; the header is damaged`,
    )
  }
  const written = view.getFloat32(AT.scale, littleEndian)
  const scale = written !== 0 && Number.isFinite(written) ? written : 1
  const orient = view.getUint8(AT.orient)
  return {
    image: {
      ...{ shape: [channels[0] ?? 1, D, H, W], dims, dtype, littleEndian },
      ...{ start: Math.trunc(start), surplus: MAX_SURPLUS },
    },
    grid: gridOf(view, [D, H, W], littleEndian),
    scale,
    warnings: [
      ...(scale === 1 ? [] : [`${source}: its values are multiplied by ${scale}, as SPM does (funused1)`]),
      ...(orient === 0 ? [] : [`${source}: its orient field (${orient}) is ignored, as most programs do`]),
    ],
  }
}

function gridOf(view: DataView, shape: Grid['shape'], littleEndian: boolean): Grid {
  const sizes = [1, 2, 3].map((axis) => {
    const size = Math.abs(view.getFloat32(AT.pixdim + 4 * axis, littleEndian))
    return size > 0 && Number.isFinite(size) ? size : 1
  })
  const affine = [0, 1, 2, 3].map((row) =>
    [0, 1, 2, 3].map((column) => (row === column ? (sizes[row] ?? 1) : 0)),
  )
  const header = {
    ...{ pixdim: [1, ...sizes, 1, 1, 1, 1], xyztUnits: 2, qformCode: 0, sformCode: 0 },
    ...{ quaternion: [0, 0, 0] as const, qoffset: [0, 0, 0] as const, qform: affine, sform: affine },
  }
  return { shape, affine, known: false, header }
}
