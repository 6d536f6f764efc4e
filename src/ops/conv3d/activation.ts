import * as shaders from '../../generated/shaders.js'
import { elementwiseOp } from '../../graph/elementwise.js'
import type { Value } from '../../graph/value.js'
import { reluBackward } from '../relu.js'
import { requireActivation } from '../shared/requirements.js'

/** What is applied to the result of a convolution: nothing, max(x, 0), or 1 / (1 + exp(-x)). */
export type Activation = 'none' | 'relu' | 'sigmoid'

const numbers = { none: 0, relu: 1, sigmoid: 2 }

/** @throws Error naming the op if there is no such activation */
export function requireKnown(op: string, activation: Activation): void {
  requireActivation(op, activation, numbers)
}

/** The flags and parameters of shaders/common/activation.wgsl for it. */
export function activationSettings(activation: Activation): {
  readonly flags: { readonly SIGMOID: boolean }
  readonly params: { readonly activation: number }
} {
  return {
    flags: { SIGMOID: activation === 'sigmoid' },
    params: { activation: numbers[activation] },
  }
}

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
