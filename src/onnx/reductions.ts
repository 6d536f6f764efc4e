import { stopGradient } from '../graph/custom-gradient.js'
import type { Value } from '../graph/value.js'
import {
  abs,
  add,
  amax,
  amin,
  argmax,
  exp,
  log,
  mean,
  sqrt,
  square,
  subtract,
  sum,
  type AxesOptions,
} from '../ops/index.js'
import type { Call, Operator } from './call.js'
import { asVolume, isKnown, shaped, tensorOf, volumeAxis } from './tensor.js'

/** Operations that combine the numbers along some axes. */
export const reductions: Readonly<Record<string, Operator>> = {
  ReduceMax: reduced(amax, (numbers) => Math.max(...numbers)),
  ReduceMean: reduced(mean),
  ReduceMin: reduced(amin, (numbers) => Math.min(...numbers)),
  ReduceSum: reduced(sum, (numbers) => numbers.reduce((a, b) => a + b, 0)),
  ReduceProd: reduced(undefined, (numbers) => numbers.reduce((a, b) => a * b, 1)),
  ReduceL1: reduced((value, options) => sum(abs(value), options)),
  ReduceL2: reduced((value, options) => sqrt(sum(square(value), options))),
  ReduceSumSquare: reduced((value, options) => sum(square(value), options)),
  ReduceLogSumExp: reduced((value, options) => {
    // The largest is taken out, so that no exponential overflows.
    const most = stopGradient(amax(value, options))
    return add(log(sum(exp(subtract(value, most)), options)), most)
  }),
  ArgMax: {
    build: (call) => {
      const x = call.device(0)
      const rank = x.dims.length
      if (call.axis(call.number('axis', 0), rank) !== 1) return call.refuse('axis')
      call.expect('select_last_index', 0)
      const dims = x.dims.map((n, axis) => (axis === 1 ? 1 : n))
      const classes = tensorOf(argmax(asVolume(x)), dims)
      return call.number('keepdims', 1) === 1 ? classes : shaped(classes, dims.toSpliced(1, 1))
    },
  },
}

/** @param op on the device, if it is there @param ofKnown of all numbers of a list that is known, if it is there */
function reduced(
  op: ((value: Value, options: AxesOptions) => Value) | undefined,
  ofKnown?: (numbers: readonly number[]) => number,
): Operator {
  return {
    build: (call) => {
      const x = call.input(0)
      const axes = axesOf(call, x.dims.length)
      const dims = x.dims.map((n, axis) => (axes.includes(axis) ? 1 : n))
      const rest = call.number('keepdims', 1) === 1 ? dims : dims.filter((_, axis) => !axes.includes(axis))
      if (isKnown(x) && x.integer && ofKnown && axes.length === x.dims.length)
        return { ...x, dims: rest, data: Float64Array.of(ofKnown([...x.data])) }
      if (!op) return call.fail('it is only supported for sizes')
      const { value } = call.device(0)
      const of = value.layout === 'volume' ? axes.map((axis) => volumeAxis(axis, x.dims.length)) : axes
      const kept = { dims, value: op(value, { axes: of, keepDims: true }) }
      return rest === dims ? kept : shaped(kept, rest)
    },
  }
}

/** The axes that are combined: all, if none are given, also by an empty list. */
function axesOf(call: Call, rank: number): number[] {
  const given = call.list('axes') ?? call.numbers(1, 'the axes') ?? []
  if (given.length === 0) call.expect('noop_with_empty_axes', 0)
  else call.number('noop_with_empty_axes', 0)
  const axes = given.length > 0 ? given : Array.from({ length: rank }, (_, axis) => axis)
  return axes.map((axis) => call.axis(axis, rank))
}
