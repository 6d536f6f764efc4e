import {
  defineNode,
  type CommonSpec,
  type Gradients,
  type Inputs,
  type OutputSpec,
  type Work,
} from './node.js'
import type { Value } from './value.js'

/** The description of an op with one output. */
export interface OpSpec<I extends Inputs> extends CommonSpec<I>, Work<Value> {
  /** The value that it computes. */
  readonly output: OutputSpec
  /**
   * Gradients of the inputs, given that of the output. Default: the op has no gradient, and `gradients` throws if one
   * would flow through it.
   */
  readonly backward?: ((gradOutput: Value, output: Value) => Gradients<NoInfer<I>>) | undefined
}

/**
 * Applies an op with one output: adds a node to the graph that its inputs belong to, and returns the output.
 *
 * @throws Error in `gradients`, if `backward` names a gradient that belongs to no input
 */
export function op<const I extends Inputs>(spec: OpSpec<I>): Value {
  const { output, emit, finish, backward, ...common } = spec
  return defineNode({
    ...common,
    outputs: [output],
    emit: ([value], device, slab) => emit(value, device, slab),
    finish: finish && (([value], device) => finish(value, device)),
    // At least one output has a gradient, and there is only one.
    backward: backward && (([gradOutput], [value]) => backward(gradOutput!, value)),
  }).outputs[0]
}
