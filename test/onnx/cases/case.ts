import type { OnnxNode, OnnxTensor } from '../../../src/io/onnx.js'
import { drawFrom } from '../../ops/check.js'
import { fromArray, type NdArray } from '../../reference/nd-array.js'

export const draw = drawFrom(52)

/** One operation with an input x, and what it must give. */
export interface Case {
  readonly op: string
  readonly attributes?: OnnxNode['attributes']
  /** Further inputs: constants. Default: none. */
  readonly constants?: readonly OnnxTensor[]
  /** Names of all inputs, if the constants do not just follow x. */
  readonly inputs?: readonly string[]
  /** Operations before it, which make inputs that `inputs` names. */
  readonly before?: readonly OnnxNode[]
  /** Default 17, which the writer writes. */
  readonly opset?: number
  /** An operation after it, which makes z of y. */
  readonly after?: OnnxNode
  readonly x: NdArray
  readonly expected: (x: NdArray) => NdArray
}

export const floats = (name: string, dims: readonly number[], numbers: ArrayLike<number>): OnnxTensor => ({
  name,
  dims,
  data: Float32Array.from(numbers),
})

export const integers = (name: string, dims: readonly number[], numbers: readonly number[]): OnnxTensor => ({
  name,
  dims,
  data: BigInt64Array.from(numbers, BigInt),
})

/** An array whose elements are computed from their places. */
export function made(shape: readonly number[], f: (place: number[]) => number): NdArray {
  const size = shape.reduce((product, n) => product * n, 1)
  const placeOf = (i: number) =>
    shape.map((n, axis) => Math.floor(i / shape.slice(axis + 1).reduce((a, b) => a * b, 1)) % n)
  return fromArray(
    [...shape],
    Array.from({ length: size }, (_, i) => f(placeOf(i))),
  )
}

export const at = ({ shape, data }: NdArray, ...place: number[]): number =>
  data[place.reduce((offset, i, axis) => offset * shape[axis]! + i, 0)]!

export const image = draw([2, 4, 4, 6], -4, 4)
export const volume = draw([1, 3, 4, 2, 5], -4, 4)
