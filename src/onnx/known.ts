import type { OnnxConstant } from '../io/onnx-read.js'
import type { Call } from './call.js'

/** Arithmetic of numbers that are known when the graph is built: lists of one length, or a list and a number. */
export function arithmetic(
  call: Call,
  a: OnnxConstant,
  b: OnnxConstant,
  f: (a: number, b: number, integers: boolean) => number,
): OnnxConstant {
  const longer = a.data.length >= b.data.length ? a : b
  if (![1, longer.data.length].includes(Math.min(a.data.length, b.data.length)))
    call.fail(`[${a.dims.join(', ')}] and [${b.dims.join(', ')}] are sizes of different length`)
  const of = ({ data }: OnnxConstant, i: number) => data[data.length === 1 ? 0 : i]!
  return {
    ...longer,
    data: longer.data.map((_, i) => f(of(a, i), of(b, i), longer.integer)),
  }
}

/** The elements of a list at some positions; negative ones count from the end. */
export function taken(call: Call, { dims, data, ...rest }: OnnxConstant, at: OnnxConstant): OnnxConstant {
  if (dims.length !== 1) return call.fail('of what is known, only a list can be taken from')
  const numbers = at.data.map(
    (i) => data[i < 0 ? i + data.length : i] ?? call.fail(`there is no element ${i}`),
  )
  return {
    ...rest,
    dims: at.dims,
    data: rest.integer ? Float64Array.from(numbers) : Float32Array.from(numbers),
  }
}

/** Positions first + i step, i < count, along an axis. */
export interface Range {
  readonly first: number
  readonly step: number
  readonly count: number
}

/**
 * A part of what is known, with its axes in another order: element i of axis k is element `ranges[axes[k]]` counts as its
 * i-th along axis `axes[k]` of the source.
 */
export function viewed(
  { dims, data, integer }: OnnxConstant,
  ranges: readonly Range[],
  axes: readonly number[] = [...dims.keys()],
): OnnxConstant {
  const strides = dims.map((_, axis) => dims.slice(axis + 1).reduce((product, n) => product * n, 1))
  const counts = axes.map((axis) => ranges[axis]!.count)
  const size = counts.reduce((product, n) => product * n, 1)
  const result = integer ? new Float64Array(size) : new Float32Array(size)
  const start = axes.reduce((offset, axis) => offset + ranges[axis]!.first * strides[axis]!, 0)
  for (let i = 0; i < size; i++) {
    let offset = start
    let rest = i
    for (let k = axes.length - 1; k >= 0; k--) {
      const axis = axes[k]!
      offset += (rest % counts[k]!) * ranges[axis]!.step * strides[axis]!
      rest = Math.floor(rest / counts[k]!)
    }
    result[i] = data[offset]!
  }
  return { dims: counts, integer, data: result }
}

/** All of every axis. */
export function everything(dims: readonly number[]): Range[] {
  return dims.map((count) => ({ first: 0, step: 1, count }))
}

/** The positions that ONNX's Slice takes of an axis; its limits are clamped to what there is. */
export function rangeOf(extent: number, start: number, end: number, step: number): Range {
  const [least, most] = step > 0 ? [0, extent] : [-1, extent - 1]
  const clamped = (at: number) => Math.min(Math.max(at < 0 ? at + extent : at, least), most)
  const first = clamped(start)
  return { first, step, count: Math.max(0, Math.ceil((clamped(end) - first) / step)) }
}
