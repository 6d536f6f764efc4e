import type { Value } from '../graph/value.js'
import { amax, amin, mean, sum, type AxesOptions } from '../ops/index.js'
import type { Operator } from './call.js'
import { shaped, volumeAxis } from './tensor.js'

/** Operations that combine the numbers along some axes. */
export const reductions: Readonly<Record<string, Operator>> = {
  ReduceMax: reduced(amax),
  ReduceMean: reduced(mean),
  ReduceMin: reduced(amin),
  ReduceSum: reduced(sum),
}

function reduced(op: (value: Value, options: AxesOptions) => Value): Operator {
  return {
    build: (call) => {
      const { dims, value } = call.device(0)
      const given = call.list('axes') ?? call.numbers(1, 'the axes') ?? []
      // Without axes, also if their list is empty, all are combined.
      if (given.length === 0) call.expect('noop_with_empty_axes', 0)
      else call.number('noop_with_empty_axes', 0)
      const axes = (given.length > 0 ? given : [...dims.keys()]).map((axis) => call.axis(axis, dims.length))
      const of = value.layout === 'volume' ? axes.map((axis) => volumeAxis(axis, dims.length)) : axes
      const kept = {
        dims: dims.map((n, axis) => (axes.includes(axis) ? 1 : n)),
        value: op(value, { axes: of, keepDims: true }),
      }
      if (call.number('keepdims', 1) === 1) return kept
      return shaped(
        kept,
        dims.filter((_, axis) => !axes.includes(axis)),
      )
    },
  }
}
