import { elementwiseOp } from '../graph/elementwise.js'
import type { Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { exp, square } from './activation.js'
import { multiply } from './arithmetic.js'

/** Error function, as `torch.erf`, to about 1.5e-7 of its value: x (1 + erf(x / sqrt(2))) / 2 is `gelu`. */
export function erf(input: Value): Value {
  return elementwiseOp({
    name: 'erf',
    shader: shaders.erfForward,
    inputs: { input },
    // Between -1 and 1, whatever the input.
    wide: false,
    // 2 / sqrt(pi) e^(-x^2)
    backward: (gradOutput) => ({
      input: multiply(multiply(gradOutput, exp(multiply(square(input), -1))), 2 / Math.sqrt(Math.PI)),
    }),
  })
}
