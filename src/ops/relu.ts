import { defineNode, only } from '../graph/node.js'
import type { Value } from '../graph/value.js'
import { backwardActivation } from './conv3d/backward-activation.js'
import { elementwise, elementwisePlanes } from '../graph/elementwise.js'
import * as shaders from '../generated/shaders.js'

/** max(input, 0), as `torch.relu`. A convolution applies it at no cost: see the `activation` of `conv3d`. */
export function relu(input: Value): Value {
  return only(
    defineNode({
      op: 'relu',
      inputs: [input],
      outputs: [{ shape: input.shape, layout: input.layout }],
      emit: {
        planes: elementwisePlanes(input),
        emit: ([output], device, slab) =>
          elementwise({ shader: shaders.elementwiseRelu, values: { input, output: output! } }, device, slab),
      },
      backward: ([gradOutput], [output]) => [backwardActivation(output!, gradOutput!, 'relu')],
    }),
  )
}
