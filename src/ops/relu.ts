import * as shaders from '../generated/shaders.js'
import type { DeviceTraits } from '../gpu/traits.js'
import { elementwise, elementwiseOp } from '../graph/elementwise.js'
import type { KernelCall } from '../graph/node.js'
import type { Value } from '../graph/value.js'
import type { Slab } from '../graph/window.js'

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
 * `masked` of a
 * node), it does, and there is no pass over the volume.
 */
export function reluBackward(output: Value, gradOutput: Value): Value {
  const masked = gradOutput.node?.masked
  if (masked) return masked(output)
  return elementwiseOp({
    name: 'relu backward',
    shader: shaders.reluBackward,
    flags: { GRAD_OUTPUT: true },
    inputs: { output, grad_output: gradOutput },
    result: 'grad_input',
  })
}

/** Masks a gradient in place: 0 wherever `output`, that of the ReLU, is 0. For ops that can be `masked`. */
export function maskInPlace(output: Value, gradient: Value, device: DeviceTraits, slab: Slab): KernelCall[] {
  return elementwise(
    {
      shader: shaders.reluBackward,
      flags: { GRAD_OUTPUT: false },
      values: { output, grad_input: gradient },
    },
    device,
    slab,
  )
}
