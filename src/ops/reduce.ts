import type { KernelCall } from '../autograd/node.js'
import type { Value } from '../autograd/value.js'
import { whole } from '../autograd/window.js'

/** output[i] = sum over bricks of partials[brick][i]. */
export function sumColumns(partials: Value, output: Value): KernelCall {
  const count = output.size
  return {
    shader: 'reduce/columns',
    params: { count, bricks: partials.size / count },
    bindings: { partials: whole(partials), output: whole(output) },
    workgroups: [Math.ceil(count / 64), 1, 1],
  }
}

/** output[row] = scale * sum over j of partials[row][j], by a fixed tree. */
export function sumRows(partials: Value, output: Value, scale = 1): KernelCall {
  return {
    shader: 'reduce/rows',
    params: { count: partials.size / output.size, scale },
    bindings: { partials: whole(partials), output: whole(output) },
    workgroups: [output.size, 1, 1],
  }
}
