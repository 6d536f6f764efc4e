import { defineNode, only } from '../../autograd/node.js'
import type { Value } from '../../autograd/value.js'
import { elementwise, elementwisePlanes } from '../../autograd/elementwise.js'
import type { Activation } from './forward.js'

/** Gradient through the activation a convolution ends in, from the convolution's output. */
export function backwardActivation(
  output: Value,
  gradOutput: Value,
  activation: Exclude<Activation, 'none'>,
): Value {
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
