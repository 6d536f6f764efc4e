import type { DispatchSize, KernelCall } from '../graph/node.js'
import { op } from '../graph/op.js'
import { volumeShape, type Layout, type Value } from '../graph/value.js'
import { planesOf, slabs, whole } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { fiveExtents, axisParams, strides, type Form } from './shared/axes.js'

/** A single invocation adds up sums of fewer numbers. */
const fewest = 64

/** How the numbers of some axes are combined: added up and multiplied by `scale`, or the largest taken. */
type Combined = { readonly scale: number } | 'largest'

/**
 * Sums over the axes on which `kept` has an extent of 1 and the input does not, times `scale`.
 *
 * @param kept the input's shape with 1 on the axes that are summed over, before which extents of 1 may be missing
 * @param form what the result is: as many elements as `kept`, in the same order of axes
 * @param gradient the gradient of the input, given that of the result; without it there is none
 */
export function sumAxes(
  name: string,
  input: Value,
  kept: readonly number[],
  form: Form,
  scale = 1,
  gradient?: Gradient,
): Value {
  return combined(name, input, kept, form, { scale }, gradient)
}

/** The largest numbers along such axes; without a gradient. */
export function largestAlong(name: string, input: Value, kept: readonly number[], form: Form): Value {
  return combined(name, input, kept, form, 'largest')
}

/** A volume is reduced plane by plane first, so that the bits do not depend on how it was cut. */
function combined(
  name: string,
  input: Value,
  kept: readonly number[],
  form: Form,
  how: Combined,
  gradient?: Gradient,
): Value {
  const extents = fiveExtents(name, input.shape)
  const results = fiveExtents(name, kept)
  const inPlanes = [extents[0]!, results[1]!, extents[2]!, results[3]!, results[4]!]
  const keepsPlanes = results[0] === extents[0] && results[2] === extents[2]
  const shrinks = inPlanes.some((extent, axis) => extent !== extents[axis])
  if (input.layout === 'flat' || (!keepsPlanes && !shrinks))
    return ofWhole(name, input, input, results, form, how, gradient)
  if (keepsPlanes) return ofPlanes(name, input, results, form, form.layout, how, gradient)
  // Laid out as a volume, but not a volume to the scheduler: it has fewer planes than the work that computes it.
  const flat = { shape: [product(inPlanes)], layout: 'flat', partial: true } as const
  const part = how === 'largest' ? how : { scale: 1 }
  const partials = ofPlanes(`${name} of planes`, input, inPlanes, flat, 'volume', part, gradient)
  // The gradient skips the partial results: the input's is computed from that of the result.
  const pass = gradient && ((gradOutput: Value) => gradOutput)
  return ofWhole(name, partials, { shape: inPlanes, layout: 'volume' }, results, form, how, pass)
}

/** Combines within each plane of a volume, to a result with as many planes, in the memory order of `to`. */
function ofPlanes(
  name: string,
  input: Value,
  results: Extents,
  form: Form,
  to: Layout,
  how: Combined,
  gradient?: Gradient,
): Value {
  const perPlane = results[1]! * results[3]! * results[4]!
  return op({
    name,
    inputs: { input },
    output: form,
    backward: gradient && ((gradOutput) => ({ input: gradient(gradOutput) })),
    planes: volumeShape(input).planes,
    emit: (output, device, range) =>
      slabs(range, device, (slab) => [planesOf(input, slab)]).map((slab) => ({
        ...kernel(name, input, results, to, how, slab.first * perPlane, slab.end * perPlane),
        bindings: {
          input: planesOf(input, slab),
          output: form.layout === 'volume' ? planesOf(output, slab) : whole(output),
        },
      })),
  })
}

/** Combines all in one dispatch. The input is in the memory order of `from`. */
function ofWhole(
  name: string,
  input: Value,
  from: Form,
  results: Extents,
  form: Form,
  how: Combined,
  gradient?: Gradient,
): Value {
  return op({
    name,
    inputs: { input },
    output: form,
    backward: gradient && ((gradOutput) => ({ input: gradient(gradOutput) })),
    emit: (output) => [
      {
        ...kernel(name, from, results, form.layout, how, 0, product(results)),
        bindings: { input: whole(input), output: whole(output) },
      },
    ],
  })
}

type Extents = readonly number[]

type Gradient = (gradOutput: Value) => Value

/** The kernel for results [first, last), counted in the input's order of memory. */
function kernel(
  name: string,
  from: Form,
  results: Extents,
  to: Layout,
  how: Combined,
  first: number,
  last: number,
): Omit<KernelCall, 'bindings' | 'threads' | 'workgroups'> & DispatchSize {
  const summed = fiveExtents(name, from.shape).map((extent, axis) => (results[axis] === 1 ? extent : 1))
  const { layout } = from
  const count = last - first
  const groups = product(summed) >= fewest
  return {
    shader: shaders.reduceAxes,
    flags: { GROUPS: groups, LARGEST: how === 'largest' },
    params: {
      first,
      count,
      summed: product(summed),
      ...(how === 'largest' ? {} : how),
      ...axisParams('kept', results, layout, 1),
      ...axisParams('summed', summed, layout, 1),
      ...axisParams('stride', strides(name, from), layout),
      ...axisParams('to', strides(name, { shape: results, layout: to }), layout),
    },
    ...(groups ? { workgroups: [count] } : { threads: [count] }),
  }
}

const product = (extents: Extents): number => extents.reduce((size, extent) => size * extent, 1)
