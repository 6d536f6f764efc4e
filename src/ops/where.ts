import { op } from '../graph/op.js'
import type { Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import type { Operand } from './arithmetic.js'
import {
  broadcastAll,
  broadcastWork,
  isWideNumber,
  requireNumbers,
  requireOperands,
  sumTo,
  view,
} from './shared/broadcast.js'

/**
 * a where the mask is not 0, b elsewhere; as `torch.where`. What is not chosen has no influence, be it NaN, and gets a
 * gradient of 0. The mask gets none.
 *
 * @param mask zeros and other numbers, such as a comparison (`greater`, ...) makes; it is broadcast with a and b
 * @param a a value or a number, broadcast as for `add`
 * @param b as `a`
 * @throws Error if the shapes cannot be broadcast, an operand is not a value of numbers, or the mask is a number
 */
export function where(mask: Value, a: Operand, b: Operand): Value {
  requireNumbers('where', mask, 'mask')
  requireOperands('where', { a, b })
  const values = [mask, a, b].filter((operand) => typeof operand !== 'number')
  const form = broadcastAll('where', values)
  const [sideA, sideB] = [a, b].map((operand) => (typeof operand === 'number' ? operand : view(operand)))
  return op({
    name: 'where',
    inputs: {
      mask,
      a: typeof a === 'number' ? undefined : a,
      b: typeof b === 'number' ? undefined : b,
    },
    // The mask does not decide.
    output: {
      ...form,
      wide: [a, b].some((operand) => (typeof operand === 'number' ? isWideNumber(operand) : operand.wide)),
    },
    ...broadcastWork(
      { shader: shaders.whereForward },
      { sides: { a: sideA!, b: sideB! }, values: { mask: view(mask) } },
      form,
    ),
    backward: (gradOutput) => ({
      a: sumTo('where backward', where(mask, gradOutput, 0), a),
      b: sumTo('where backward', where(mask, 0, gradOutput), b),
    }),
  })
}
