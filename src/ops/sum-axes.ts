import { defineNode, only, type KernelCall } from '../graph/node.js'
import { volumeShape, type Layout, type Value } from '../graph/value.js'
import { linearGroups, planesOf, slabs, whole } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { fiveExtents, axisParams, strides, type Form } from './shared/axes.js'

/** Sums of fewer numbers are left to one invocation. */
const fewest = 64

/**
 * Sums over the axes on which `kept` has an extent of 1 and the input has not, times `scale`.
 *
 * A volume is summed plane by plane first, so that the bits do not depend on how it was cut.
 *
 * @param kept the input's shape with 1 on the axes that are summed over, before which extents of 1 may be missing
 * @param form what the result is: as many elements as `kept`, in the same order of axes
 * @param gradient the gradient of the input, given that of the result; without it there is none
 */
export function sumAxes(
  op: string,
  input: Value,
  kept: readonly number[],
  form: Form,
  scale = 1,
  gradient?: Gradient,
): Value {
  const extents = fiveExtents(op, input.shape)
  const results = fiveExtents(op, kept)
  const inPlanes = [extents[0]!, results[1]!, extents[2]!, results[3]!, results[4]!]
  const keepsPlanes = results[0] === extents[0] && results[2] === extents[2]
  const shrinks = inPlanes.some((extent, axis) => extent !== extents[axis])
  if (input.layout === 'flat' || (!keepsPlanes && !shrinks))
    return wholeSum(op, input, input, results, form, scale, gradient)
  if (keepsPlanes) return planeSums(op, input, results, form, form.layout, scale, gradient)
  // Laid out as a volume, but no volume to the scheduler: it has fewer planes than work was done on in the end.
  const flat = { shape: [product(inPlanes)], layout: 'flat' } as const
  const partials = planeSums(`${op} of planes`, input, inPlanes, flat, 'volume', 1, gradient)
  // The gradient passes the partial results by as it is: the input's is made of that of the result.
  const pass = gradient && ((gradOutput: Value) => gradOutput)
  return wholeSum(op, partials, { shape: inPlanes, layout: 'volume' }, results, form, scale, pass)
}

/** Sums within each plane of a volume, to a result with as many planes that lies in memory as `to` says. */
function planeSums(
  op: string,
  input: Value,
  results: Extents,
  form: Form,
  to: Layout,
  scale: number,
  gradient?: Gradient,
): Value {
  const perPlane = results[1]! * results[3]! * results[4]!
  return only(
    defineNode({
      op,
      inputs: [input],
      outputs: [form],
      ...backward(gradient),
      emit: {
        planes: volumeShape(input).planes,
        emit: ([output], device, range) =>
          slabs(range, device, (slab) => [planesOf(input, slab)]).map((slab) => ({
            ...kernel(op, input, results, to, scale, slab.first * perPlane, slab.last * perPlane),
            bindings: {
              input: planesOf(input, slab),
              output: form.layout === 'volume' ? planesOf(output!, slab) : whole(output!),
            },
          })),
      },
    }),
  )
}

/** All sums by one dispatch. The input lies in memory as `from` says. */
function wholeSum(
  op: string,
  input: Value,
  from: Form,
  results: Extents,
  form: Form,
  scale: number,
  gradient?: Gradient,
): Value {
  return only(
    defineNode({
      op,
      inputs: [input],
      outputs: [form],
      ...backward(gradient),
      emit: ([output]) => [
        {
          ...kernel(op, from, results, form.layout, scale, 0, product(results)),
          bindings: { input: whole(input), output: whole(output!) },
        },
      ],
    }),
  )
}

type Extents = readonly number[]

type Gradient = (gradOutput: Value) => Value

const backward = (gradient?: Gradient) =>
  gradient ? { backward: ([gradOutput]: readonly (Value | undefined)[]) => [gradient(gradOutput!)] } : {}

/** The kernel for results [first, last), counted in the input's order of memory. */
function kernel(
  op: string,
  from: Form,
  results: Extents,
  to: Layout,
  scale: number,
  first: number,
  last: number,
): Omit<KernelCall, 'bindings'> {
  const summed = fiveExtents(op, from.shape).map((extent, axis) => (results[axis] === 1 ? extent : 1))
  const { layout } = from
  const count = last - first
  const groups = product(summed) >= fewest
  return {
    shader: shaders.reduceAxes,
    flags: { GROUPS: groups },
    params: {
      first,
      count,
      summed: product(summed),
      scale,
      ...axisParams('kept', results, layout, 1),
      ...axisParams('summed', summed, layout, 1),
      ...axisParams('stride', strides(op, from), layout),
      ...axisParams('to', strides(op, { shape: results, layout: to }), layout),
    },
    workgroups: linearGroups(groups ? 64 * count : count),
  }
}

const product = (extents: Extents): number => extents.reduce((size, extent) => size * extent, 1)
