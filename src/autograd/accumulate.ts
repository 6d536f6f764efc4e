import { defineNode, only } from './node.js'
import { requireSameShape, type Value } from './value.js'
import { elementSlabs, elements, linearGroups } from './window.js'

/** a + b, element by element: how the gradients of a value used twice are joined. */
export function accumulate(a: Value, b: Value): Value {
  requireSameShape('add', a, b)
  return only(
    defineNode({
      op: 'add',
      inputs: [a, b],
      outputs: [{ shape: a.shape, layout: a.layout }],
      emit: ([output], device) =>
        elementSlabs(a.size, device).map(({ first, last }) => ({
          shader: 'elementwise/add',
          params: { count: Math.ceil((last - first) / 4) },
          bindings: {
            a: elements(a, first, last),
            b: elements(b, first, last),
            output: elements(output!, first, last),
          },
          workgroups: linearGroups(Math.ceil((last - first) / 4)),
        })),
      backward: ([grad]) => [grad, grad],
    }),
  )
}
