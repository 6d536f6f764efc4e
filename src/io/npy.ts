import { quoted, UserError } from '../errors.js'
import { fortranStrides, toCOrder, type Shape4 } from './axes.js'
import { bytesPerElement, toFloats, type DType, type FloatArray, type Floats } from './dtype.js'
import {
  formatShape,
  requireReadable,
  unknownGrid,
  type FloatVolume,
  type Volume,
  type VolumeHeader,
} from './volume.js'

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]
const DTYPES = ['i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2', 'f4', 'f8']
/** Enough for every header: most take 128 bytes, and NumPy itself refuses more than 10,000. */
export const HEAD_BYTES = 16_384
const NATIVE = { u1: Uint8Array, i2: Int16Array, i4: Int32Array, f4: Float32Array, f8: Float64Array }

/** An array to write, in C order. */
export interface NpyArray {
  /** Extents, slowest axis first. */
  shape: readonly number[]
  /** Elements in C order, written with their own type. */
  data: Uint8Array | Int16Array | Int32Array | Float32Array | Float64Array
}

export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte)
}

/**
 * Reads a NumPy `.npy` file, versions 1 to 3 (NumPy Enhancement Proposal 1), as a volume.
 *
 * The array is `[D, H, W]`, `[C, D, H, W]` or `[D, H, W, C]`, with further leading axes of 1 allowed; real numbers or
 * booleans of any width and byte order, C or Fortran order. If there are four axes, the first or the last holds the
 * classes: the one along which values sum to 1 or, if that does not decide, the shorter one. The grid is unknown.
 * @throws UserError on any other array, and if the file is truncated or damaged
 */
export function readNpy(bytes: Uint8Array, source: string): Volume
/** As above, but with voxels of type `floats`: `Float64Array` keeps integers up to 2^53 exact. */
export function readNpy<T extends FloatArray>(
  bytes: Uint8Array,
  source: string,
  floats: Floats<T>,
): FloatVolume<T>
export function readNpy(
  bytes: Uint8Array,
  source: string,
  floats: Floats<FloatArray> = Float32Array,
): FloatVolume<FloatArray> {
  const header = readHeader(bytes, source)
  const squeezed = checkedShape(header, source, bytes.length)
  const { dtype, littleEndian, fortranOrder, dataOffset } = header
  const stored = toFloats(bytes.subarray(dataOffset), dtype, littleEndian, floats)
  const data = fortranOrder
    ? toCOrder(stored, squeezed, fortranStrides(squeezed), new floats(stored.length))
    : stored
  const [C, D, H, W] = squeezed
  if (!hasChannelsLast(squeezed, data))
    return { data, channels: C, grid: unknownGrid([D, H, W]), source, stored: dtype }
  const first: Shape4 = [W, C, D, H]
  return {
    data: toCOrder(data, first, [1, D * H * W, H * W, W], new floats(data.length)),
    channels: W,
    grid: unknownGrid([C, D, H]),
    source,
    stored: dtype,
  }
}

/**
 * Reads the header of a `.npy` file; undefined if only the values show which axis holds the classes.
 *
 * @param bytes at least the first `HEAD_BYTES` bytes of the file
 * @param length of the whole file, in bytes
 * @throws UserError as `readNpy`
 */
export function readNpyHeader(bytes: Uint8Array, source: string, length: number): VolumeHeader | undefined {
  const header = readHeader(bytes, source)
  const squeezed = checkedShape(header, source, length)
  const [C, D, H, W] = squeezed
  const stored = header.dtype
  switch (axisOfChannels(squeezed)) {
    case 'first':
      return { channels: C, grid: unknownGrid([D, H, W]), source, stored }
    case 'last':
      return { channels: W, grid: unknownGrid([C, D, H]), source, stored }
    case 'either':
      return undefined
  }
}

/** Most classes of a prior: the kernels keep a voxel's channels in registers. */
const mostChannels = 64

/** Which of four axes holds the channels, judging by their lengths alone. */
function axisOfChannels([first, , , last]: Shape4): 'first' | 'last' | 'either' {
  if (first > mostChannels) return last > mostChannels ? 'first' : 'last'
  return first === 1 || last === 1 || last > mostChannels ? 'first' : 'either'
}

function hasChannelsLast(shape: Shape4, data: FloatArray): boolean {
  const axis = axisOfChannels(shape)
  if (axis !== 'either') return axis === 'last'
  const [C, D, H, W] = shape
  const voxels = D * H * W
  const sumsFirst = sumToOne(data, C, voxels, (i) => i, voxels)
  const sumsLast = sumToOne(data, W, C * D * H, (i) => i * W, 1)
  return sumsFirst === sumsLast ? W < C : sumsLast
}

/** Whether the channels of about a thousand voxels, spread over the volume, sum to 1. */
function sumToOne(
  data: FloatArray,
  channels: number,
  voxels: number,
  start: (voxel: number) => number,
  stride: number,
): boolean {
  const step = Math.max(1, Math.floor(voxels / 2000))
  for (let voxel = 0; voxel < voxels; voxel += step) {
    let sum = 0
    for (let c = 0; c < channels; c++) sum += data[start(voxel) + c * stride]!
    if (!(Math.abs(sum - 1) < 0.01)) return false
  }
  return true
}

/**
 * Writes version 1 of the format, little-endian, C order.
 *
 * @throws UserError if the shape does not match the number of elements
 */
export function writeNpy({ shape, data }: NpyArray): Uint8Array {
  if (shape.reduce((product, size) => product * size, 1) !== data.length) {
    throw new UserError(`cannot write ${data.length} elements as an array of shape ${formatShape(shape)}`)
  }
  const dtype = Object.entries(NATIVE).find(([, type]) => data instanceof type)![0]
  const tuple = shape.length === 1 ? `${shape[0]!},` : shape.join(', ')
  const text = `{'descr': '${dtype === 'u1' ? '|' : '<'}${dtype}', 'fortran_order': False, 'shape': (${tuple}), }`
  const padded = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + '\n'
  const out = new Uint8Array(10 + padded.length + data.byteLength)
  out.set([...MAGIC, 1, 0, padded.length & 255, padded.length >> 8])
  out.set(new TextEncoder().encode(padded), 10)
  out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + padded.length)
  return out
}

function checkedShape({ dtype, shape, dataOffset }: Header, source: string, length: number): Shape4 {
  const squeezed = fourAxes(shape, source)
  const expected = shape.reduce((product, size) => product * size, bytesPerElement(dtype))
  const found = length - dataOffset
  if (found !== expected) {
    throw new UserError(
      `${source}: the header says ${formatShape(shape)} ${dtype}, ${expected} bytes, but ${found} follow; the file is truncated or damaged`,
    )
  }
  requireReadable(squeezed, source)
  return squeezed
}

interface Header {
  dtype: DType
  littleEndian: boolean
  fortranOrder: boolean
  shape: number[]
  dataOffset: number
}

function readHeader(bytes: Uint8Array, source: string): Header {
  const damaged = (what: string) => new UserError(`${source}: ${what}; the file is truncated or damaged`)
  if (!isNpy(bytes)) throw new UserError(`${source}: not a NumPy array`)
  const version = bytes[6] ?? 0
  if (version < 1 || version > 3) throw damaged(`NumPy format version ${version} does not exist`)
  const start = version === 1 ? 10 : 12
  if (bytes.length < start) throw damaged('the NumPy header is incomplete')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const dataOffset = start + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true))
  if (dataOffset > Math.min(bytes.length, HEAD_BYTES)) throw damaged('the NumPy header is incomplete')

  const text = new TextDecoder().decode(bytes.subarray(start, dataOffset))
  const descr = /'descr'\s*:\s*(?:'([^']*)'|\[)/.exec(text)
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1]
  const tuple = /'shape'\s*:\s*\(([\s\dL,]*)\)/.exec(text)?.[1]
  if (descr === null || order === undefined || tuple === undefined) {
    throw damaged('the NumPy header is not understood')
  }
  const [, byteOrder, kind] = /^([<>|=]?)([a-z]\d+)$/i.exec(descr[1] ?? '') ?? []
  const dtype = kind === 'b1' ? 'u1' : kind
  if (!isDType(dtype)) {
    const found = descr[1] === undefined ? 'records' : `type ${quoted(descr[1])}`
    throw new UserError(`${source}: elements of ${found}; save real numbers instead`)
  }
  const shape = tuple.split(',').flatMap((size) => (size.trim() === '' ? [] : [parseInt(size, 10)]))
  return { dtype, littleEndian: byteOrder !== '>', fortranOrder: order === 'True', shape, dataOffset }
}

function isDType(name: string | undefined): name is DType {
  return name !== undefined && DTYPES.includes(name)
}

/** The last four axes; the first of them is 1 if there are only three. */
function fourAxes(shape: readonly number[], source: string): Shape4 {
  const text = shape.length === 0 ? 'a single number' : formatShape(shape)
  const kept = shape.slice(Math.max(0, shape.length - 4))
  const leading = shape.slice(0, shape.length - kept.length)
  if (kept.length < 3 || leading.some((size) => size !== 1)) {
    throw new UserError(
      `${source}: the array is ${text}; a volume is [D, H, W], [channels, D, H, W] or [D, H, W, channels]`,
    )
  }
  if (!kept.every((size) => size > 0)) throw new UserError(`${source}: the array is empty (${text})`)
  const [w, h, d, c = 1] = kept.toReversed() as [number, number, number, number?]
  return [c, d, h, w]
}
