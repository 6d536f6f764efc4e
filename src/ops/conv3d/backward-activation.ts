import { defineNode, only } from '../../autograd/node.js'
import type { Value } from '../../autograd/value.js'
import { elementwise, elementwisePlanes } from '../../autograd/elementwise.js'
import type { Activation } from './forward.js'

/**
 * Gradients that can be computed as they come out of a ReLU, given its output: the pass that writes them then leaves
 * out what does not go on. The ones that are not masked are never run, because nothing reads them.
 */
export const throughRelu = new WeakMap<Value, (output: Value) => Value>()

/** Gradient through the activation a convolution ends in, from the convolution's output. */
export function backwardActivation(
  output: Value,
  gradOutput: Value,
  activation: Exclude<Activation, 'none'>,
): Value {
  const masked = activation === 'relu' ? throughRelu.get(gradOutput) : undefined
  if (masked) return masked(output)
  return only(
    defineNode({
      op: 'conv3d backward activation',
      inputs: [output, gradOutput],
      outputs: [{ shape: output.shape }],
      emit: {
        planes: elementwisePlanes(output),
        emit: ([gradInput], device, slab) =>
          elementwise(
            {
              shader: 'conv3d/backward_activation',
              flags: { SIGMOID: activation === 'sigmoid' },
              values: { output, grad_output: gradOutput, grad_input: gradInput! },
            },
            device,
            slab,
          ),
      },
    }),
  )
}
