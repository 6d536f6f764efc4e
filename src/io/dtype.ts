import { float16ToFloat32 } from './safetensors.js'

/** Element types under NumPy's names: kind (`i` signed, `u` unsigned, `f` float) and bytes. */
export type DType = 'i1' | 'i2' | 'i4' | 'i8' | 'u1' | 'u2' | 'u4' | 'u8' | 'f2' | 'f4' | 'f8'

export function bytesPerElement(dtype: DType): number {
  return Number(dtype[1])
}

/** Voxels as numbers: single precision for images; double precision for labels, whose integers must stay exact. */
export type FloatArray = Float32Array | Float64Array
/** Its constructor: `Float32Array`, or `Float64Array`, which holds integers of up to 2^53 exactly. */
export type Floats<T extends FloatArray> = new (source: number | ArrayLike<number>) => T

/**
 * Raw numbers to float32, in a new array; `bytes` need not be aligned.
 *
 * Integers beyond 2^24 and float64 are rounded to the nearest float32.
 * @param bytes a whole number of elements
 */
export function toFloat32(bytes: Uint8Array, dtype: DType, littleEndian: boolean): Float32Array {
  return toFloats(bytes, dtype, littleEndian, Float32Array)
}

/** As `toFloat32`, but to the given float type: as float64, integers up to 2^53 are exact. */
export function toFloats<T extends FloatArray>(
  bytes: Uint8Array,
  dtype: DType,
  littleEndian: boolean,
  Array: Floats<T>,
): T {
  const size = bytesPerElement(dtype)
  const { buffer, byteOffset, length } = hostOrder(bytes, size, littleEndian)
  const count = length / size
  switch (dtype) {
    case 'i1':
      return new Array(new Int8Array(buffer, byteOffset, count))
    case 'u1':
      return new Array(new Uint8Array(buffer, byteOffset, count))
    case 'i2':
      return new Array(new Int16Array(buffer, byteOffset, count))
    case 'u2':
      return new Array(new Uint16Array(buffer, byteOffset, count))
    case 'i4':
      return new Array(new Int32Array(buffer, byteOffset, count))
    case 'u4':
      return new Array(new Uint32Array(buffer, byteOffset, count))
    case 'f2':
      return new Array(float16ToFloat32(new Uint16Array(buffer, byteOffset, count)))
    case 'f4':
      return new Array(new Float32Array(buffer, byteOffset, count))
    case 'f8':
      return new Array(new Float64Array(buffer, byteOffset, count))
    case 'i8':
    case 'u8':
      return int64ToFloats(new Uint32Array(buffer, byteOffset, 2 * count), dtype === 'i8', new Array(count))
  }
}

/**
 * As `toFloats`, but numbers that are floats already stay as they are and share the memory of `bytes` if they can: a prior
 * of 14 classes has 385 MB that need not be copied.
 */
export function asFloats(
  bytes: Uint8Array,
  dtype: DType,
  littleEndian: boolean,
  floats: Floats<FloatArray>,
): FloatArray {
  if (dtype !== 'f4' && dtype !== 'f8') return toFloats(bytes, dtype, littleEndian, floats)
  const size = bytesPerElement(dtype)
  const { buffer, byteOffset, length } = hostOrder(bytes, size, littleEndian)
  return dtype === 'f4'
    ? new Float32Array(buffer, byteOffset, length / size)
    : new Float64Array(buffer, byteOffset, length / size)
}

/** From pairs of 32-bit words, low word first: about ten times faster than through BigInt. */
function int64ToFloats<T extends FloatArray>(words: Uint32Array, signed: boolean, out: T): T {
  for (let i = 0; i < out.length; i++) {
    const high = words[2 * i + 1]!
    out[i] = (signed ? high | 0 : high) * 2 ** 32 + words[2 * i]!
  }
  return out
}

/** The same elements little-endian and aligned for a typed array; `bytes` itself if it already is. */
function hostOrder(bytes: Uint8Array, size: number, littleEndian: boolean): Uint8Array {
  // Not bytes.slice(): for Node's Buffer, that returns a view of the same memory.
  if (littleEndian || size === 1) return bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes)
  const swapped = new Uint8Array(bytes.length)
  for (let start = 0; start < bytes.length; start += size) {
    for (let k = 0; k < size; k++) swapped[start + k] = bytes[start + size - 1 - k]!
  }
  return swapped
}
