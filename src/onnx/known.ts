import type { Shape } from '../graph/value.js'
import type { OnnxConstant } from '../io/onnx-read.js'
import type { Call } from './call.js'

/** Numbers of a constant that the file only describes: enough for sizes. */
export const mostKnown = 1e6

/** The extents that two operands are broadcast to: axes are matched from the last one, as in NumPy. */
export function broadcastOf(call: Call, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length)
  const padded = (dims: Shape): Shape => [...Array<number>(rank - dims.length).fill(1), ...dims]
  const [from, to] = [padded(a), padded(b)]
  if (from.some((n, axis) => n !== to[axis] && n !== 1 && to[axis] !== 1))
    call.fail(`[${a.join(', ')}] and [${b.join(', ')}] cannot be broadcast to one shape`)
  return from.map((n, axis) => (n === 1 ? to[axis]! : n))
}

/** Arithmetic of numbers that are known when the graph is built, broadcast. */
export function arithmetic(
  call: Call,
  a: OnnxConstant,
  b: OnnxConstant,
  f: (a: number, b: number, integers: boolean) => number,
): OnnxConstant {
  const dims = broadcastOf(call, a.dims, b.dims)
  const most = Math.max(a.data.length, b.data.length)
  const [left, right] = [spread(call, a, dims, most), spread(call, b, dims, most)]
  return { ...left, data: left.data.map((n, i) => f(n, right.data[i]!, left.integer)) }
}

/**
 * What is known, repeated to a shape that it can be broadcast to.
 *
 * @param most numbers that the result may have in any case
 */
export function spread(call: Call, x: OnnxConstant, dims: Shape, most = x.data.length): OnnxConstant {
  if (dims.reduce((product, n) => product * n, 1) > Math.max(mostKnown, most))
    call.fail(`a constant of shape [${dims.join(', ')}] is too large`)
  const from = [...Array<number>(dims.length - x.dims.length).fill(1), ...x.dims]
  return viewed(
    { ...x, dims: from },
    dims.map((count, axis) => ({ first: 0, step: from[axis] === 1 ? 0 : 1, count })),
  )
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
