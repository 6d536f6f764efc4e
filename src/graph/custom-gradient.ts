import * as shaders from '../generated/shaders.js'
import { elementwiseOp } from './elementwise.js'
import { matched, present, type Gradients, type Inputs } from './node.js'
import { newId, type Value } from './value.js'

/** A gradient that replaces those of the ops that compute a value. */
interface CustomGradient {
  readonly inputs: readonly Value[]
  /** Gradients of the inputs, in order, given that of the value. */
  readonly backward: (gradOutput: Value) => readonly (Value | undefined)[]
}

const ofValues = new WeakMap<Value, CustomGradient>()

/**
 * A function composed of ops whose gradient is composed of other ops than calculus asks for.
 *
 * @param inputs the values that get a gradient, by names of your choice; others that `forward` uses get none
 * @param forward builds the function
 * @param backward builds the gradients of the inputs, given that of the output; an input left out gets none. A gradient
 *   has the shape of its input
 * @throws Error in `gradients`, if `backward` names a gradient that belongs to no input
 *
 * @example
 * // A straight-through estimator: rounded on the way forward, as if not on the way back.
 * const hard = customGradient(
 *   { x },
 *   ({ x }) => greater(x, 0.5),
 *   (grad) => ({ x: grad }),
 * )
 */
export function customGradient<const I extends Inputs>(
  inputs: I,
  forward: (inputs: I) => Value,
  backward: (gradOutput: Value, output: Value, inputs: I) => Gradients<NoInfer<I>>,
): Value {
  const first = newId()
  const built = forward(inputs)
  // A value that was there before keeps its own gradient.
  const output = built.id < first ? copied(built) : built
  ofValues.set(output, {
    inputs: present(inputs),
    backward: (gradOutput) => matched('customGradient', backward(gradOutput, output, inputs), inputs),
  })
  return output
}

/** The value itself, through which no gradient flows; PyTorch's `detach`. */
export function stopGradient(value: Value): Value {
  return customGradient(
    { value },
    () => value,
    () => ({}),
  )
}

/** The gradient that was given for a value; undefined if its node has its own. */
export function customGradientOf(value: Value): CustomGradient | undefined {
  return ofValues.get(value)
}

/** The same numbers as a value of their own. */
function copied(source: Value): Value {
  return elementwiseOp({
    name: 'copy',
    shader: shaders.elementwiseMove,
    flags: { UNSIGNED: false },
    params: { by: 0 },
    inputs: { source },
    backward: (gradOutput) => ({ source: gradOutput }),
  })
}
