import { defineNode, only } from '../graph/node.js'
import type { Value } from '../graph/value.js'
import { negate } from './activation.js'
import {
  broadcastForm,
  broadcastSlices,
  requireNumbers,
  view,
  type Kind,
  type Side,
} from './shared/broadcast.js'
import { sumAxes } from './sum-axes.js'

/**
 * What is added, subtracted, multiplied or divided: at least one value, and a number fixed when the graph is built.
 *
 * Two values are broadcast as in NumPy and PyTorch: axes are matched from the last on, and an extent of 1 is repeated.
 * What is flat may join a volume: [1] anything, [1, C, 1, 1, 1] every channel.
 */
export type Operand = Value | number

/**
 * a + b, element by element.
 *
 * @throws Error where the shapes of two values cannot be broadcast, or both operands are numbers
 */
export function add(a: Operand, b: Operand): Value {
  return operation('add', a, b, (grad) => [grad, grad])
}

/** a - b, as `add`. */
export function subtract(a: Operand, b: Operand): Value {
  return operation('subtract', a, b, (grad) => [grad, negate(grad)])
}

/** a b, as `add`. */
export function multiply(a: Operand, b: Operand): Value {
  return operation('multiply', a, b, (grad) => [multiply(grad, b), multiply(grad, a)])
}

/** a / b, as `add`. */
export function divide(a: Operand, b: Operand): Value {
  return operation('divide', a, b, (grad, output) => {
    const gradA = divide(grad, b)
    return [gradA, multiply(negate(gradA), output)]
  })
}

/** Gradients of both operands as if they had the output's shape. */
type Gradients = (gradOutput: Value, output: Value) => readonly [Value, Value]

function operation(kind: Kind, a: Operand, b: Operand, gradients: Gradients): Value {
  const values = [a, b].filter((operand) => typeof operand !== 'number')
  if (values.length === 0) throw new Error(`${kind}: two numbers make no value`)
  for (const value of values) requireNumbers(kind, value)
  const form = broadcastForm(kind, values[0]!, values.at(-1)!)
  const side = (operand: Operand): Side => (typeof operand === 'number' ? operand : view(operand))
  const wide = kind === 'divide' || [a, b].some((operand) => typeof operand === 'number' && isWide(operand))
  return only(
    defineNode({
      op: kind,
      inputs: values,
      outputs: [{ ...form, ...(wide ? { wide } : {}) }],
      emit: broadcastSlices(kind, side(a), side(b), form),
      backward: ([gradOutput], [output]) => {
        const both = gradients(gradOutput!, output!)
        return [a, b].flatMap((operand, i) =>
          typeof operand === 'number' ? [] : [sumTo(`${kind} backward`, both[i]!, operand)],
        )
      },
    }),
  )
}

/** A gradient summed over the axes along which its value was repeated. */
function sumTo(op: string, grad: Value, { shape, layout }: Value): Value {
  const same = grad.layout === layout && grad.shape.join() === shape.join()
  return same ? grad : sumAxes(op, grad, shape, { shape, layout })
}

/** Whether what a number is added to or multiplied with may come near the ends of what f16 holds, 6e-5 and 65504. */
function isWide(number: number): boolean {
  return number !== 0 && (Math.abs(number) > 1000 || Math.abs(number) < 1e-3)
}
