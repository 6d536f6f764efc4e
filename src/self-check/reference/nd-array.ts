/**
 * The float64 arrays that the reference operations are written in.
 *
 * Each file in this folder specifies an operation by plain loops. A file with one function exports `forward` and
 * `backward`; a file with several exports `name` and `nameBackward`. `backward` takes the gradient
 * of the loss with respect to the output and returns the gradients with respect to the inputs, by name.
 * Scalars are arrays of shape [1]. Sums run over everything, batch included.
 */

/** A dense array in C order, last axis fastest. Volumes are [N, C, D, H, W]. */
export interface NdArray {
  readonly shape: readonly number[]
  readonly data: Float64Array
}

/** An array or its bare values, as the comparisons below accept. */
export type Values = NdArray | ArrayLike<number>

/** The number of elements of a shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, extent) => size * extent, 1)

/** An array of zeros. */
export const zeros = (shape: readonly number[]): NdArray => ({ shape, data: new Float64Array(sizeOf(shape)) })

/** An array of shape [1]. */
export const scalar = (value: number): NdArray => ({ shape: [1], data: Float64Array.of(value) })

/** A float64 copy of `values`. Throws if their number does not match the shape. */
export function fromArray(shape: readonly number[], values: ArrayLike<number>): NdArray {
  if (values.length !== sizeOf(shape)) {
    throw new Error(`${values.length} values do not fill an array of shape [${shape.join(', ')}]`)
  }
  return { shape, data: Float64Array.from(values) }
}

/** `f` of every element. */
export const map = (array: NdArray, f: (value: number, index: number) => number): NdArray => ({
  shape: array.shape,
  data: array.data.map((value, index) => f(value, index)),
})

/** The shape as [N, C, D, H, W]. Throws if the array has another rank. */
export function volumeShape({ shape }: NdArray): [number, number, number, number, number] {
  if (shape.length !== 5) throw new Error(`expected [N, C, D, H, W], got [${shape.join(', ')}]`)
  return [shape[0]!, shape[1]!, shape[2]!, shape[3]!, shape[4]!]
}

/** The offset of element (n, c, d, h, w) in the data of an array of shape [N, C, D, H, W]. */
export function at(shape: readonly number[], n: number, c: number, d: number, h: number, w: number): number {
  return (((n * shape[1]! + c) * shape[2]! + d) * shape[3]! + h) * shape[4]! + w
}

/** The channel of the element at `offset` in the data of an array of shape [N, C, ...]. */
export function channelOf(shape: readonly number[], offset: number): number {
  return Math.floor(offset / sizeOf(shape.slice(2))) % shape[1]!
}

/**
 * Calls `visit` once for each line along an axis, by default for each voxel of an [N, C, ...] array, with the offsets of the
 * line's elements in order. The offsets array is reused between calls.
 */
export function forEachVoxel(
  { shape }: NdArray,
  visit: (channels: readonly number[]) => void,
  axis = 1,
): void {
  const [lines, length] = [sizeOf(shape.slice(0, axis)), shape[axis]!]
  const voxels = sizeOf(shape.slice(axis + 1))
  const offsets = new Array<number>(length).fill(0)
  for (let line = 0; line < lines; line++) {
    for (let voxel = 0; voxel < voxels; voxel++) {
      for (let c = 0; c < length; c++) offsets[c] = (line * length + c) * voxels + voxel
      visit(offsets)
    }
  }
}

/** Throws unless all arrays have the same shape. */
export function expectSameShape(...arrays: readonly NdArray[]): void {
  const [first, ...others] = arrays.map(({ shape }) => `[${shape.join(', ')}]`)
  for (const other of others)
    if (other !== first) throw new Error(`shapes differ: ${first ?? ''} and ${other}`)
}

/** The inner product of two arrays of one shape. */
export function dot(a: NdArray, b: NdArray): number {
  expectSameShape(a, b)
  return a.data.reduce((sum, value, i) => sum + value * b.data[i]!, 0)
}

/** The mulberry32 generator (T. Ettinger, public domain): uniform numbers in [0, 1) from a 32-bit seed. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

/** An array of uniform numbers in [low, high) drawn from `random`. */
export const uniform = (shape: readonly number[], random: () => number, low = -1, high = 1): NdArray =>
  map(zeros(shape), () => low + (high - low) * random())

/** `||actual - expected|| / ||expected||`; Infinity if anything is not finite, so that NaN never passes. */
export function relativeError(actual: Values, expected: Values): number {
  const [a, b] = comparable(actual, expected)
  let [difference, norm] = [0, 0]
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2
    norm += b[i]! ** 2
  }
  if (difference === 0 && norm === 0) return 0
  return finiteOrInfinity(Math.sqrt(difference / norm))
}

/** The largest `|actual - expected|`; Infinity if anything is not finite, so that NaN never passes. */
export function maxAbsError(actual: Values, expected: Values): number {
  const [a, b] = comparable(actual, expected)
  let largest = 0
  for (let i = 0; i < b.length; i++) largest = Math.max(largest, finiteOrInfinity(Math.abs(a[i]! - b[i]!)))
  return largest
}

const finiteOrInfinity = (value: number): number => (Number.isFinite(value) ? value : Infinity)

function comparable(actual: Values, expected: Values): [ArrayLike<number>, ArrayLike<number>] {
  if ('data' in actual && 'data' in expected) expectSameShape(actual, expected)
  const [a, b] = ['data' in actual ? actual.data : actual, 'data' in expected ? expected.data : expected]
  if (a.length !== b.length) throw new Error(`cannot compare ${a.length} values with ${b.length}`)
  return [a, b]
}
