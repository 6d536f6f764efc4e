import type { Value } from '../graph/value.js'
import { axisOf, stridesOf } from './shared/axes.js'
import { shown } from './shared/requirements.js'
import { stridedCopy } from './shared/strided.js'

/** Which positions `slice` takes along each of its axes, by the rules of NumPy and of ONNX's Slice. */
export interface SliceOptions {
  /** The first position along each axis; negative ones count from the end. */
  readonly starts: readonly number[]
  /** One past the last position; negative ones count from the end. Default: all that follow. */
  readonly ends?: readonly number[]
  /** From one position to the next; negative to walk backwards, from `Infinity` to `-Infinity`. Default: 1. */
  readonly steps?: readonly number[]
  /** The axes that these are for; negative ones count from the last. Default: the first ones. */
  readonly axes?: readonly number[]
}

/**
 * Every `step`-th position from `start` to `end` along some axes, as `x[start:end:step]` in NumPy; positions beyond an end
 * are left out.
 *
 * @returns a volume if the input is one, else flat; `input` itself if nothing changes
 * @throws Error if nothing is left, or an option does not fit the input
 *
 * @example
 * slice(scan, { starts: [8], ends: [-8], axes: [2] }) // without the first and last eight planes
 * slice(scan, { starts: [Infinity], steps: [-1], axes: [4] }) // mirrored
 */
export function slice(input: Value, options: SliceOptions): Value {
  const ranges = rangesOf(input, options)
  return ranges.some(
    ({ first, step, count }, axis) => first !== 0 || step !== 1 || count !== input.shape[axis],
  )
    ? sliced('slice', input, ranges)
    : input
}

/** Positions first + i step, i < count. */
interface Range {
  readonly first: number
  readonly step: number
  readonly count: number
}

/** As `slice`, with a range for every axis, for ops that a plan lists under their own name. */
export function sliced(name: string, input: Value, ranges: readonly Range[]): Value {
  const strides = stridesOf(input)
  return stridedCopy({
    name,
    input,
    origin: ranges.reduce((sum, { first }, axis) => sum + first * strides[axis]!, 0),
    axes: ranges.map(({ step, count }, axis) => ({ extent: count, stride: step * strides[axis]! })),
    output: { shape: ranges.map(({ count }) => count), layout: input.layout },
    gradient: (gradOutput) => scattered(gradOutput, ranges, input),
  })
}

/** Puts a slice back where it came from, with zeros between and around. */
function scattered(slice: Value, ranges: readonly Range[], { shape, layout }: Value): Value {
  const strides = stridesOf(slice)
  return stridedCopy({
    name: 'slice backward',
    input: slice,
    // A slice that walks backwards ends at the lowest position.
    origin: ranges.reduce(
      (sum, { step, count }, axis) => sum + (step < 0 ? (count - 1) * strides[axis]! : 0),
      0,
    ),
    axes: ranges.map(({ first, step, count }, axis) => {
      const extent = shape[axis]!
      const stride = Math.sign(step) * strides[axis]!
      const low = Math.min(first, first + (count - 1) * step)
      const gap = { low, spacing: count === 1 ? 1 : Math.abs(step), length: count }
      return { extent, stride, ...(count < extent ? { gap } : {}) }
    }),
    output: { shape, layout },
    gradient: (gradOutput) => sliced('slice', gradOutput, ranges),
  })
}

function rangesOf(input: Value, { starts, ends, steps, axes }: SliceOptions): readonly Range[] {
  const ranges: Range[] = input.shape.map((count) => ({ first: 0, step: 1, count }))
  for (const [name, given] of Object.entries({ ends, steps, axes })) {
    if (given && given.length !== starts.length)
      throw new Error(`slice: ${starts.length} starts, but ${given.length} ${name}`)
  }
  const counted = (axes ?? [...starts.keys()]).map((axis) => axisOf('slice', input, axis))
  counted.forEach((axis, i) => {
    if (counted.indexOf(axis) !== i) throw new Error(`slice: axis ${axis} is named twice`)
    ranges[axis] = rangeOf(input, axis, starts[i]!, ends?.[i], steps?.[i])
  })
  return ranges
}

function rangeOf(input: Value, axis: number, start: number, end: number | undefined, step = 1): Range {
  const extent = input.shape[axis]!
  if (!Number.isInteger(step) || step === 0)
    throw new Error(`slice: a step must be a whole number other than 0, not ${step}`)
  // Backwards, the positions before which the slice starts and ends are -1 to extent - 1.
  const [least, most] = step > 0 ? [0, extent] : [-1, extent - 1]
  const position = (at: number) => {
    if (!Number.isInteger(at) && Math.abs(at) !== Infinity)
      throw new Error(`slice: a start or an end must be a whole number, not ${at}`)
    return Math.min(Math.max(at < 0 ? at + extent : at, least), most)
  }
  const first = position(start)
  const stop = end === undefined ? (step > 0 ? most : least) : position(end)
  const count = Math.ceil((stop - first) / step)
  if (count < 1)
    throw new Error(
      `slice: nothing is left of axis ${axis} of ${shown(input)} from ${start} to ${end ?? 'its end'} in steps of ${step}`,
    )
  return { first, step, count }
}
