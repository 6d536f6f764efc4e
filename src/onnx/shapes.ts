import { dropoutLayer } from '../nn/index.js'
import { constant, type Value } from '../graph/value.js'
import { concat, gather, logSoftmax, notEqual, pad, slice, softmax, split, transpose } from '../ops/index.js'
import type { Operator } from './call.js'
import { everything, mostKnown, rangeOf, taken, viewed } from './known.js'
import { asFlat, asVolume, isKnown, known, shaped, tensorOf, volumeAxis } from './tensor.js'

/** Operations on shapes, and on what is known of them when the graph is built. */
export const shapes: Readonly<Record<string, Operator>> = {
  Identity: { build: (call) => call.input(0) },
  Dropout: {
    build: (call) => {
      const ratio = call.numbers(1, 'the ratio')?.[0] ?? call.number('ratio', 0.5)
      call.number('seed', 0)
      const { dims, value } = call.device(0)
      return { dims, value: dropoutLayer(ratio)(value) }
    },
  },
  Constant: {
    build: (call) => {
      const [one, whole] = [call.number('value_float', NaN), call.number('value_int', NaN)]
      const [floats, wholes] = [call.list('value_floats'), call.list('value_ints')]
      if (!Number.isNaN(one)) return known(one, false)
      if (!Number.isNaN(whole)) return known(whole)
      if (floats) return known(floats, false)
      return wholes ? known(wholes) : (call.constant('value') ?? call.fail('it has no value'))
    },
  },
  ConstantOfShape: {
    build: (call) => {
      const dims = call.numbers(0, 'the shape') ?? []
      const { data, integer } = call.constant('value') ?? known([0], false)
      const size = dims.reduce((product, n) => product * n, 1)
      if (!(size >= 0 && size <= mostKnown))
        return call.fail(`a constant of shape [${dims.join(', ')}] is too large`)
      const all = Array<number>(size).fill(data[0] ?? 0)
      return { ...known(all, integer), dims }
    },
  },
  Shape: {
    build: (call) => {
      const { dims } = call.input(0)
      return known(dims.slice(call.number('start', 0), call.number('end', dims.length)))
    },
  },
  Cast: {
    build: (call) => {
      const [x, to] = [call.input(0), call.number('to', 0)]
      const integer = [2, 3, 6, 7].includes(to)
      if (!integer && ![1, 9, 10, 11].includes(to)) return call.refuse('to')
      // Truth values are 1 where a number is not 0.
      if (!isKnown(x)) {
        if (integer) return call.refuse('to')
        return to === 9 ? { ...x, value: notEqual(x.value, 0) } : x
      }
      const cast = (n: number) => (to === 9 ? Number(n !== 0) : integer ? Math.trunc(n) : n)
      return { ...known([...x.data].map(cast), integer || to === 9), dims: x.dims }
    },
  },
  Floor: rounded(Math.floor),
  Ceil: rounded(Math.ceil),
  Gather: {
    weights: [0],
    // Lists are settings; tables are embeddings, such as those of positions.
    isWeight: ({ dims }) => dims.length > 1,
    build: (call) => {
      const x = call.input(0)
      const at = call.known(1, 'the positions') ?? call.fail('it has no positions')
      const axis = call.axis(call.number('axis', 0), x.dims.length)
      if (isKnown(x) && (x.integer || x.dims.length === 1)) return taken(call, x, at)
      const { dims, value } = call.device(0)
      if (at.dims.length > 0) {
        const positions = Uint32Array.from(at.data, (i) => (i < 0 ? i + dims[axis]! : i))
        const rows = gather(asFlat({ dims, value }), constant('positions', at.dims, positions), axis)
        return tensorOf(rows)
      }
      const [position] = at.data as unknown as [number]
      const part = slice(asFlat({ dims, value }), {
        starts: [position],
        ends: [position === -1 ? Infinity : position + 1],
        axes: [axis],
      })
      return shaped(
        tensorOf(part),
        dims.filter((_, i) => i !== axis),
      )
    },
  },
  Unsqueeze: {
    build: (call) => {
      const x = call.input(0)
      const axes = call.list('axes') ?? call.numbers(1, 'the axes') ?? []
      const rank = x.dims.length + axes.length
      const added = new Set(axes.map((axis) => call.axis(axis, rank)))
      const rest = [...x.dims]
      return shaped(
        x,
        Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : rest.shift()!)),
      )
    },
  },
  Squeeze: {
    build: (call) => {
      const x = call.input(0)
      const axes = call.list('axes') ?? call.numbers(1, 'the axes')
      const removed = axes?.map((axis) => call.axis(axis, x.dims.length))
      return shaped(
        x,
        x.dims.filter((n, axis) => (removed ? !removed.includes(axis) : n !== 1)),
      )
    },
  },
  Reshape: {
    build: (call) => {
      const x = call.input(0)
      call.expect('allowzero', 0)
      const wanted = call.numbers(1, 'the shape') ?? call.fail('it has no shape')
      const copied = wanted.map((n, axis) => (n === 0 ? x.dims[axis]! : n))
      const size = x.dims.reduce((product, n) => product * n, 1)
      const rest = copied.reduce((product, n) => (n === -1 ? product : product * n), 1)
      return shaped(
        x,
        copied.map((n) => (n === -1 ? size / rest : n)),
      )
    },
  },
  Flatten: {
    build: (call) => {
      const x = call.input(0)
      const axis = call.number('axis', 1)
      const at = axis < 0 ? axis + x.dims.length : axis
      const size = (dims: readonly number[]) => dims.reduce((product, n) => product * n, 1)
      return shaped(x, [size(x.dims.slice(0, at)), size(x.dims.slice(at))])
    },
  },
  Transpose: {
    weights: [0],
    build: (call) => {
      const x = call.input(0)
      const perm = call.list('perm') ?? [...x.dims.keys()].reverse()
      return isKnown(x) ? viewed(x, everything(x.dims), perm) : tensorOf(transpose(asFlat(x), perm))
    },
  },
  Concat: {
    build: (call) => {
      const operands = Array.from({ length: call.count }, (_, i) => call.input(i))
      const rank = operands[0]!.dims.length
      const axis = call.axis(call.number('axis', 0), rank)
      if (operands.every(isKnown)) {
        if (rank !== 1) return call.fail('of what is known, only lists can be joined')
        return known(
          operands.flatMap(({ data }) => [...data]),
          operands[0]!.integer,
        )
      }
      const tensors = operands.map((_, i) => call.device(i))
      const extents = tensors.map(({ dims }) => dims[axis]!)
      const dims = tensors[0]!.dims.map((n, i) => (i === axis ? extents.reduce((a, b) => a + b) : n))
      const volumes = tensors.some(({ value }) => value.layout === 'volume')
      const parts = tensors.map(volumes ? asVolume : asFlat)
      return tensorOf(concat(parts, volumes ? volumeAxis(axis, rank) : axis), dims)
    },
  },
  Split: {
    build: (call) => {
      const x = call.device(0)
      const axis = call.axis(call.number('axis', 0), x.dims.length)
      const count = call.number('num_outputs', call.operation.outputs.length)
      const equal = Math.ceil(x.dims[axis]! / count)
      const sizes = call.list('split') ?? call.numbers(1, 'the sizes') ?? equal
      return split(asFlat(x), sizes, axis).map((value) => tensorOf(value))
    },
  },
  Slice: {
    build: (call) => {
      const x = call.input(0)
      const starts = call.numbers(1, 'the starts') ?? call.fail('it has no starts')
      const ends = call.numbers(2, 'the ends') ?? call.fail('it has no ends')
      const axes = (call.numbers(3, 'the axes') ?? [...starts.keys()]).map((axis) =>
        call.axis(axis, x.dims.length),
      )
      const steps = call.numbers(4, 'the steps') ?? starts.map(() => 1)
      if ([starts, ends, steps].some(({ length }) => length !== axes.length))
        return call.fail(`its starts, ends and steps are not one for each of ${axes.length} axes`)
      if (steps.some((step) => step === 0 || !Number.isInteger(step)))
        return call.fail(
          `it has steps [${steps.slice(0, 8).join(', ')}], but they must be whole numbers other than 0`,
        )
      if (isKnown(x)) {
        const ranges = everything(x.dims)
        axes.forEach((axis, i) => (ranges[axis] = rangeOf(x.dims[axis]!, starts[i]!, ends[i]!, steps[i]!)))
        return viewed(x, ranges)
      }
      const { value, dims } = x
      const of = value.layout === 'volume' ? axes.map((axis) => volumeAxis(axis, dims.length)) : axes
      const part = slice(value, { starts, ends, axes: of, steps })
      const extents = dims.map((n, axis) => (axes.includes(axis) ? part.shape[of[axes.indexOf(axis)]!]! : n))
      return tensorOf(part, extents)
    },
  },
  Pad: {
    build: (call) => {
      const { dims, value } = call.device(0)
      const mode = call.text('mode', 'constant')
      if (mode !== 'constant' && mode !== 'edge' && mode !== 'reflect') return call.refuse('mode')
      const pads = call.numbers(1, 'the padding') ?? call.fail('it has no padding')
      if (call.optional(3)) return call.fail('axes of the padding are not supported')
      const fill = call.numbers(2, 'the padding value')?.[0] ?? 0
      const half = pads.length / 2
      const margins = dims.map((_, axis) => [pads[axis]!, pads[axis + half]!] as const)
      const missing = value.shape.length - dims.length
      const all =
        value.layout === 'volume'
          ? [
              ...margins.slice(0, 2),
              ...Array.from({ length: missing }, () => [0, 0] as const),
              ...margins.slice(2),
            ]
          : margins
      return tensorOf(
        pad(value, all, { mode, value: fill }),
        dims.map((n, axis) => n + margins[axis]![0] + margins[axis]![1]),
      )
    },
  },
  Softmax: alongAxis(softmax),
  LogSoftmax: alongAxis(logSoftmax),
  Range: {
    build: (call) => {
      const [start, limit, delta] = [0, 1, 2].map(
        (i) => call.known(i, 'a limit') ?? call.fail('it has no limit'),
      )
      const [first, step] = [start!.data[0]!, delta!.data[0]!]
      const count = Math.max(0, Math.ceil((limit!.data[0]! - first) / step))
      if (!(count <= mostKnown)) return call.fail(`${count} numbers are too many`)
      return known(
        Array.from({ length: count }, (_, i) => first + i * step),
        start!.integer,
      )
    },
  },
}

function alongAxis(f: (x: Value, axis: number) => Value): Operator {
  return {
    build: (call) => {
      const x = call.device(0)
      const rank = x.dims.length
      const axis = call.axis(call.number('axis', call.opset < 13 ? 1 : -1), rank)
      // Until opset 13, it was taken over all axes from this one on.
      if (call.opset < 13 && x.dims.slice(axis + 1).some((n) => n > 1)) return call.refuse('axis')
      const { layout } = x.value
      return tensorOf(f(x.value, layout === 'volume' ? volumeAxis(axis, rank) : axis), x.dims)
    },
  }
}

function rounded(f: (x: number) => number): Operator {
  return {
    build: (call) => {
      const x = call.known(0, 'what is rounded')!
      return { ...x, data: x.data.map((n) => f(n)) }
    },
  }
}
