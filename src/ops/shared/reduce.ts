import type { KernelCall } from '../../graph/node.js'
import type { Value } from '../../graph/value.js'
import { whole } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'

/** output[i] = sum over bricks of partials[brick][first + i]; `partials` is [bricks, entries]. */
export function sumColumns(partials: Value, output: Value, first = 0): KernelCall {
  const count = output.size
  const [bricks, stride] = partials.shape as [number, number]
  return {
    shader: shaders.reduceColumns,
    params: { count, first, stride, bricks },
    bindings: { partials: whole(partials), output: whole(output) },
    threads: [count],
  }
}

/** output[row] = scale * sum over j of partials[row][j], in a fixed order. */
export function sumRows(partials: Value, output: Value, scale = 1): KernelCall {
  return {
    shader: shaders.reduceRows,
    params: { count: partials.size / output.size, scale },
    bindings: { partials: whole(partials), output: whole(output) },
    workgroups: [output.size, 1, 1],
  }
}
