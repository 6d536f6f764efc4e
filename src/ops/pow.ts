import { elementwiseOp } from '../graph/elementwise.js'
import type { Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { exp, log } from './activation.js'
import { multiply, type Operand } from './arithmetic.js'

/**
 * a^b, element by element, as `torch.pow`; always stored as f32. Two values are broadcast as for `add`.
 *
 * If b is a number, a may have any sign; a negative a to a power that is not whole is NaN. If b is a value, a must be
 * positive, because the result is exp(b log(a)). Whole powers up to 16 are accurate to some roundings, others to about
 * 1e-7 (1 + |b log(a)|); results below e^-87 are 0, and those above e^88 are e^88.
 *
 * @throws Error if both are numbers, a is a number that is not positive, or b one that is not finite
 */
export function pow(a: Operand, b: Operand): Value {
  if (typeof b !== 'number') return exp(multiply(b, logOf(a)))
  if (typeof a === 'number') throw new Error('pow: one operand must be a value')
  if (!Number.isFinite(b)) throw new Error(`pow: the exponent is ${b}`)
  return elementwiseOp({
    name: 'pow',
    shader: shaders.powForward,
    params: { exponent: b },
    inputs: { input: a },
    wide: true,
    // The gradient of a^0 is 0, even at a = 0.
    backward: (gradOutput) => ({ input: multiply(gradOutput, b === 0 ? 0 : multiply(pow(a, b - 1), b)) }),
  })
}

function logOf(a: Operand): Operand {
  if (typeof a !== 'number') return log(a)
  if (!(a > 0)) throw new Error(`pow: the base must be positive, not ${a}`)
  return Math.log(a)
}
