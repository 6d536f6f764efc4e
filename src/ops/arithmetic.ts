import { op } from '../graph/op.js'
import type { Value } from '../graph/value.js'
import { negate } from './activation.js'
import {
  broadcastForm,
  broadcastWork,
  requireNumbers,
  view,
  type Kind,
  type Side,
} from './shared/broadcast.js'
import { sumAxes } from './sum-axes.js'

/**
 * An operand of an arithmetic op: a value, or a number that is fixed when the graph is built; at least one of two
 * operands is a value.
 *
 * Two values are broadcast as in NumPy and PyTorch: axes are matched from the last one, and an extent of 1 is repeated.
 * A flat value may be combined with a volume: [1] with anything, [1, C, 1, 1, 1] with every channel.
 */
export type Operand = Value | number

/**
 * a + b, element by element.
 *
 * @throws Error if the shapes of two values cannot be broadcast, or both operands are numbers
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
type Partials = (gradOutput: Value, output: Value) => readonly [Value, Value]

function operation(kind: Kind, a: Operand, b: Operand, gradients: Partials): Value {
  const values = [a, b].filter((operand) => typeof operand !== 'number')
  if (values.length === 0) throw new Error(`${kind}: one operand must be a value`)
  for (const value of values) requireNumbers(kind, value)
  const form = broadcastForm(kind, values[0]!, values.at(-1)!)
  const side = (operand: Operand): Side => (typeof operand === 'number' ? operand : view(operand))
  const wide = kind === 'divide' || [a, b].some((operand) => typeof operand === 'number' && isWide(operand))
  return op({
    name: kind,
    inputs: { a: valueOf(a), b: valueOf(b) },
    output: { ...form, wide: wide || undefined },
    ...broadcastWork(kind, side(a), side(b), form),
    backward: (gradOutput, output) => {
      const [gradA, gradB] = gradients(gradOutput, output)
      return { a: sumTo(`${kind} backward`, gradA, a), b: sumTo(`${kind} backward`, gradB, b) }
    },
  })
}

const valueOf = (operand: Operand): Value | undefined => (typeof operand === 'number' ? undefined : operand)

/** A gradient summed over the axes along which its operand was repeated. */
function sumTo(name: string, grad: Value, operand: Operand): Value | undefined {
  if (typeof operand === 'number') return undefined
  const { shape, layout } = operand
  const same = grad.layout === layout && grad.shape.join() === shape.join()
  return same ? grad : sumAxes(name, grad, shape, { shape, layout })
}

/** Whether adding or multiplying by this number may bring a value near the limits of f16, 6e-5 and 65504. */
function isWide(number: number): boolean {
  return number !== 0 && (Math.abs(number) > 1000 || Math.abs(number) < 1e-3)
}
