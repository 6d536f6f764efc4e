import { elementwise, elementwisePlanes } from './elementwise.js'
import { defineNode, only } from './node.js'
import { requireSameShape, type Value } from './value.js'
import * as shaders from '../generated/shaders.js'

/** a + b, element by element: how the gradients of a value used twice are joined. */
export function accumulate(a: Value, b: Value): Value {
  requireSameShape('add', a, b)
  return only(
    defineNode({
      op: 'add',
      inputs: [a, b],
      outputs: [{ shape: a.shape, layout: a.layout }],
      emit: {
        planes: elementwisePlanes(a),
        emit: ([output], device, slab) =>
          elementwise({ shader: shaders.elementwiseAdd, values: { a, b, output: output! } }, device, slab),
      },
      backward: ([grad]) => [grad, grad],
    }),
  )
}
