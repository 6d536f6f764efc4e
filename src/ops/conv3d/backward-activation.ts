import * as shaders from '../../generated/shaders.js'
import { elementwiseOp } from '../../graph/elementwise.js'
import type { Value } from '../../graph/value.js'
import { reluBackward } from '../relu.js'
import type { Activation } from './tuned.js'

/** Gradient through the activation that a convolution ends in, from the convolution's output. */
export function backwardActivation(activation: Activation, output: Value, gradOutput: Value): Value {
  switch (activation) {
    case 'none':
      return gradOutput
    case 'relu':
      return reluBackward(output, gradOutput)
    case 'sigmoid':
      return elementwiseOp({
        name: 'sigmoid backward',
        shader: shaders.conv3dBackwardSigmoid,
        inputs: { output, grad_output: gradOutput },
        result: 'grad_input',
      })
  }
}
