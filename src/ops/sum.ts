import { scratch, type Inputs } from '../graph/node.js'
import { op, type OpSpec } from '../graph/op.js'
import { elementwiseOp, elementwisePlanes } from '../graph/elementwise.js'
import { requireSameShape, type Value } from '../graph/value.js'
import { slabs, whole, type Slab } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { keptForm, requireAxesOptions, type AxesOptions } from './shared/axes.js'
import { broadcast, requireNumbers } from './shared/broadcast.js'
import { sumRows } from './shared/reduce.js'
import { sumAxes } from './sum-axes.js'

/** Numbers that one workgroup of shaders/sum/forward.wgsl adds. */
const share = 4096

/** What a sum or a mean is taken over. */
export type SumOptions = AxesOptions

/**
 * Sum over some axes, or of all elements.
 *
 * @returns a scalar [1] if no axes remain; else a value with the other axes, flat unless a volume keeps its axes
 * @throws Error if an axis does not exist or is named twice
 */
export function sum(a: Value, options: SumOptions = {}): Value {
  return isTotal('sum', options) ? reduction('sum', a, undefined) : overAxes('sum', a, options, () => 1)
}

/** Mean over some axes, or of all elements; shapes as those of `sum`. */
export function mean(a: Value, options: SumOptions = {}): Value {
  return isTotal('mean', options)
    ? weightedSum([{ term: sum(a), factor: 1 / a.size }])
    : overAxes('mean', a, options, (count) => 1 / count)
}

function isTotal(op: string, options: SumOptions): boolean {
  requireAxesOptions(op, options)
  return options.axes === undefined && !options.keepDims
}

function overAxes(name: string, a: Value, options: SumOptions, scaleOf: (count: number) => number): Value {
  requireNumbers(name, a)
  const { kept, form } = keptForm(name, a, options)
  const { size, shape, layout } = a
  const scale = scaleOf(size / kept.reduce((product, extent) => product * extent, 1))
  return sumAxes(name, a, kept, form, scale, (gradOutput) => {
    const grad = { value: gradOutput, shape: kept, layout: form.layout }
    // The gradient of a mean is at most one over the number of its terms.
    return broadcast(`${name} backward`, 'multiply', grad, scale, { shape, layout }, true)
  })
}

/** Sum of the products of two values' elements, a scalar. */
export function dot(a: Value, b: Value): Value {
  requireSameShape('dot', a, b)
  return reduction('dot', a, b)
}

/** Sum of (a - b)^2 over all elements, a scalar. */
export function squaredError(a: Value, b: Value): Value {
  requireSameShape('squared_error', a, b)
  return reduction('squared_error', a, b)
}

type Kind = 'sum' | 'dot' | 'squared_error'

interface Pair extends Inputs {
  readonly a: Value
  readonly b: Value | undefined
}

function reduction(kind: Kind, a: Value, b: Value | undefined): Value {
  return op({
    ...reductionOf(kind, a, b),
    backward: (gradOutput) => ({
      a: reductionBackward(kind, a, b, gradOutput),
      b: b && reductionBackward(kind, b, a, gradOutput),
    }),
  })
}

/** The node of a reduction times `scale`, for ops that have a better gradient. */
export function reductionOf(kind: Kind, a: Value, b: Value | undefined, scale = 1): OpSpec<Pair> {
  const rows = elementwisePlanes(a)
  const rowSize = a.size / rows
  const groups = Math.ceil(rowSize / share)
  const partials = scratch(`${kind} partials`, [rows * groups])
  const vector = rowSize % 4 === 0
  const window = (value: Value, { first, end }: Slab) => ({
    value,
    start: first * rowSize,
    end: end * rowSize,
  })
  return {
    name: kind,
    inputs: { a, b },
    output: { shape: [1] },
    scratch: [partials],
    planes: rows,
    emit: (_, device, range) =>
      slabs(range, device, (slab) => [window(a, slab)]).map((slab) => ({
        shader: shaders.sumForward,
        flags: { ...flags(kind), VECTOR: vector },
        params: { size: vector ? rowSize / 4 : rowSize, groups, first_row: slab.first },
        bindings: {
          a: window(a, slab),
          ...(b ? { b: window(b, slab) } : {}),
          partials: whole(partials),
        },
        workgroups: [groups, slab.end - slab.first, 1],
      })),
    finish: (output) => [sumRows(partials, output, scale)],
  }
}

/** Gradient with respect to `a`. Each reduction is symmetric in a and b, so swap them for the other gradient. */
function reductionBackward(kind: Kind, a: Value, b: Value | undefined, gradOutput: Value): Value {
  return elementwiseOp({
    name: `${kind} backward`,
    shader: shaders.sumBackward,
    flags: flags(kind),
    inputs: kind === 'squared_error' ? { a, b: b! } : kind === 'dot' ? { b: b! } : {},
    flats: { grad_output: gradOutput },
    result: 'grad_a',
    like: a,
    // As large or small as the weight of the sum.
    wide: true,
  })
}

function flags(kind: Kind): Record<string, boolean> {
  return { DOT: kind === 'dot', SQUARED: kind === 'squared_error' }
}

/** One term of a weighted sum: factor * weight * term. */
export interface WeightedTerm {
  /** A scalar. */
  readonly term: Value
  /** Fixed when the graph is built. Default 1. */
  readonly factor?: number
  /** A scalar read at every run; it gets no gradient. Default 1. */
  readonly weight?: Value
}

/** Sum of weighted scalars. */
export function weightedSum(terms: readonly WeightedTerm[]): Value {
  if (terms.length === 0) throw new Error('weighted_sum: no terms')
  return terms.reduce<Value | undefined>((before, term) => multiplyAdd(term, before), undefined)!
}

function multiplyAdd({ term, factor = 1, weight }: WeightedTerm, before: Value | undefined): Value {
  for (const scalar of [term, weight, before]) {
    if (scalar && scalar.size !== 1)
      throw new Error(`weighted_sum: ${scalar.name} [${scalar.shape.join(', ')}] is not a scalar`)
  }
  return op({
    name: 'weighted_sum',
    inputs: { term, before, weight },
    output: { shape: [1] },
    emit: (output) => [
      {
        shader: shaders.scalarMultiplyAdd,
        flags: { WEIGHT: weight !== undefined, BEFORE: before !== undefined },
        params: { factor },
        bindings: {
          term: whole(term),
          ...(weight ? { weight: whole(weight) } : {}),
          ...(before ? { before: whole(before) } : {}),
          output: whole(output),
        },
        threads: [1],
      },
    ],
    backward: (grad) => ({
      term: multiplyAdd({ term: grad, factor, ...(weight ? { weight } : {}) }, undefined),
      before: before && grad,
    }),
  })
}
