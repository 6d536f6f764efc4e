import * as shaders from '../generated/shaders.js'
import { elementwiseOp } from '../graph/elementwise.js'
import type { Value } from '../graph/value.js'

/** max(input, 0), as `torch.relu`. A convolution applies it at no cost: see the `activation` of `conv3d`. */
export function relu(input: Value): Value {
  return elementwiseOp({
    name: 'relu',
    shader: shaders.reluForward,
    inputs: { input },
    backward: (gradOutput, output) => ({ input: reluBackward(output, gradOutput) }),
  })
}

/**
 * The gradient of the input of a ReLU with this `output`. If the op that computes `gradOutput` can mask it (see
 * `masked` of a node), it does, and there is no pass over the volume.
 */
export function reluBackward(output: Value, gradOutput: Value): Value {
  const masked = gradOutput.node?.masked
  if (masked) return masked(output)
  return elementwiseOp({
    name: 'relu backward',
    shader: shaders.reluBackward,
    inputs: { output, grad_output: gradOutput },
    result: 'grad_input',
  })
}
