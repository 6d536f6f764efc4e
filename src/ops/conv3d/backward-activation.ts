import { defineNode, only, type KernelCall } from '../../graph/node.js'
import type { DeviceTraits } from '../../gpu/traits.js'
import type { Value } from '../../graph/value.js'
import type { Slab } from '../../graph/window.js'
import { elementwise, elementwisePlanes } from '../../graph/elementwise.js'
import * as shaders from '../../generated/shaders.js'
import type { Activation } from './tuned.js'

/**
 * Gradients that can be computed as they come out of a ReLU, given its output: the pass that writes them then leaves
 * out what does not go on. The ones that are not masked are never run, because nothing reads them.
 */
export const throughRelu = new WeakMap<Value, (output: Value) => Value>()

/** Masks a gradient where it lies: 0 where the output of the ReLU is. */
export function maskInPlace(output: Value, gradient: Value, device: DeviceTraits, slab: Slab): KernelCall[] {
  return elementwise(
    {
      shader: shaders.conv3dBackwardActivation,
      flags: { SIGMOID: false, IN_PLACE: true },
      values: { output, grad_input: gradient },
    },
    device,
    slab,
  )
}

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
              shader: shaders.conv3dBackwardActivation,
              flags: { SIGMOID: activation === 'sigmoid', IN_PLACE: false },
              values: { output, grad_output: gradOutput, grad_input: gradInput! },
            },
            device,
            slab,
          ),
      },
    }),
  )
}
