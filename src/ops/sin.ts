import { elementwiseOp } from '../graph/elementwise.js'
import type { Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { multiply } from './arithmetic.js'

/** Sine of radians, to about 1e-7 for |x| up to 8192; beyond, the result is meaningless. */
export function sin(input: Value): Value {
  return wave('sin', input, (grad) => multiply(grad, cos(input)))
}

/** Cosine, as `sin`. */
export function cos(input: Value): Value {
  return wave('cos', input, (grad) => multiply(multiply(grad, sin(input)), -1))
}

function wave(name: string, input: Value, backward: (gradOutput: Value) => Value): Value {
  return elementwiseOp({
    name,
    shader: shaders.sinForward,
    flags: { COSINE: name === 'cos' },
    inputs: { input },
    backward: (gradOutput) => ({ input: backward(gradOutput) }),
  })
}
