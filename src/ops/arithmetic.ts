import { op } from '../graph/op.js'
import type { Value } from '../graph/value.js'
import { negate } from './activation.js'
import {
  arithmetic,
  broadcast,
  broadcastAll,
  broadcastWork,
  isWideNumber,
  requireOperands,
  sumTo,
  view,
  type Kind,
  type Side,
} from './shared/broadcast.js'

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

/**
 * The smaller of a and b, element by element; NaN if one of them is. Operands as for `add`. If they are equal, each gets
 * half of the gradient, as in PyTorch.
 */
export function minimum(a: Operand, b: Operand): Value {
  return operation('minimum', a, b, (grad) => [multiply(grad, shareOf(b, a)), multiply(grad, shareOf(a, b))])
}

/** The larger of a and b, as `minimum`. */
export function maximum(a: Operand, b: Operand): Value {
  return operation('maximum', a, b, (grad) => [multiply(grad, shareOf(a, b)), multiply(grad, shareOf(b, a))])
}

/** 1 where a = b, else 0. Operands as for `add`; a comparison passes no gradient on. */
export function equal(a: Operand, b: Operand): Value {
  return comparison('equal', 'equal', a, b)
}

/** 1 where a differs from b, else 0, as `equal`. */
export function notEqual(a: Operand, b: Operand): Value {
  return comparison('not_equal', 'not_equal', a, b)
}

/** 1 where a > b, else 0, as `equal`. */
export function greater(a: Operand, b: Operand): Value {
  return comparison('greater', 'greater', a, b)
}

/** 1 where a >= b, else 0, as `equal`. */
export function greaterEqual(a: Operand, b: Operand): Value {
  return comparison('greater_equal', 'greater_equal', a, b)
}

/** 1 where a < b, else 0, as `equal`. */
export function less(a: Operand, b: Operand): Value {
  return comparison('less', 'greater', b, a, formOf('less', a, b))
}

/** 1 where a <= b, else 0, as `equal`. */
export function lessEqual(a: Operand, b: Operand): Value {
  return comparison('less_equal', 'greater_equal', b, a, formOf('less_equal', a, b))
}

/** Gradients of both operands as if they had the output's shape. */
type Partials = (gradOutput: Value, output: Value) => readonly [Value, Value]

function operation(kind: Kind, a: Operand, b: Operand, gradients: Partials): Value {
  const form = formOf(kind, a, b)
  const wide = kind === 'divide' || [a, b].some(isWideNumber)
  return op({
    name: kind,
    inputs: { a: valueOf(a), b: valueOf(b) },
    output: { ...form, wide: wide || undefined },
    ...broadcastWork(arithmetic(kind), { sides: { a: sideOf(a), b: sideOf(b) } }, form),
    backward: (gradOutput, output) => {
      const [gradA, gradB] = gradients(gradOutput, output)
      return { a: sumTo(`${kind} backward`, gradA, a), b: sumTo(`${kind} backward`, gradB, b) }
    },
  })
}

function comparison(name: string, kind: Kind, a: Operand, b: Operand, form = formOf(name, a, b)): Value {
  return op({
    name,
    inputs: { a: valueOf(a), b: valueOf(b) },
    // Zeros and ones, whatever is compared.
    output: { ...form, wide: false },
    ...broadcastWork(arithmetic(kind), { sides: { a: sideOf(a), b: sideOf(b) } }, form),
    // Constant almost everywhere.
    backward: () => ({}),
  })
}

/** The derivative of max(a, b) with respect to a. */
function shareOf(a: Operand, b: Operand): Value {
  const name = 'maximum share'
  return broadcast(name, 'share_of_maximum', sideOf(a), sideOf(b), formOf(name, a, b))
}

/** The shape of the result. @throws Error if there is none, an operand holds labels or nothing, or both are numbers */
function formOf(name: string, a: Operand, b: Operand) {
  requireOperands(name, { a, b })
  const values = [a, b].filter((operand) => typeof operand !== 'number')
  if (values.length === 0) throw new Error(`${name}: one operand must be a value`)
  return broadcastAll(name, values)
}

const valueOf = (operand: Operand): Value | undefined => (typeof operand === 'number' ? undefined : operand)

const sideOf = (operand: Operand): Side => (typeof operand === 'number' ? operand : view(operand))
