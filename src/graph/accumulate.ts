import * as shaders from '../generated/shaders.js'
import { elementwiseOp } from './elementwise.js'
import { requireSameShape, type Value } from './value.js'

/** a + b, element by element: joins the gradients of a value that is used twice. */
export function accumulate(a: Value, b: Value): Value {
  requireSameShape('add', a, b)
  return elementwiseOp({
    name: 'add',
    shader: shaders.elementwiseAdd,
    inputs: { a, b },
    backward: (grad) => ({ a: grad, b: grad }),
  })
}
