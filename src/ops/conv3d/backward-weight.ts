import { defineNode, scratch } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import { volumeShape, type Value } from '../../graph/value.js'
import { planesOf, slabs, whole, type Slab } from '../../graph/window.js'
import { sumColumns } from '../shared/reduce.js'
import * as shaders from '../../generated/shaders.js'
import { planBricks, type WeightProblem } from './bricks.js'
import { convolutionPlanes, kernelShape } from './geometry.js'
import { partCalls } from './weight-calls.js'

/** Gradients of a convolution with respect to its weights and its bias [Co], if it has one. */
export function backwardWeight(problem: WeightProblem): {
  readonly weight: Value
  readonly bias: Value | undefined
} {
  const { input, coarse, gradOutput, shape, bias, parameter } = problem
  const [outputs, , kd] = kernelShape(shape)
  const bricks = planBricks(problem)
  const { transposed, withBias, weights, columns } = bricks
  const partials = scratch('conv3d weight partials', [volumeShape(input).planes * bricks.perPlane, columns])
  const {
    outputs: [gradWeight, gradBias],
  } = defineNode({
    name: 'conv3d backward weight',
    inputs: { input, gradOutput, coarse },
    outputs: [{ shape, layout: 'flat' }, ...(withBias ? [{ shape: [outputs] }] : [])],
    scratch: [partials],
    parameter,
    ...convolutionPlanes(transposed ? gradOutput : input, kd, coarse),
    emit: (_, device, range) => {
      const part = (shifted: Value, firstInput: number) =>
        partCalls(problem, bricks, { shifted, firstInput, partials }, device, range)
      if (transposed) return part(gradOutput, 0)
      return coarse ? [...part(coarse, 0), ...part(input, volumeShape(coarse).channels)] : part(input, 0)
    },
    finish: ([gradWeight, gradBias]) => [
      sumColumns(partials, gradWeight),
      ...(gradBias ? [sumColumns(partials, gradBias, weights)] : []),
    ],
  })
  return { weight: gradWeight, bias: bias && transposed ? backwardBias(gradOutput, parameter) : gradBias }
}

/**
 * Gradient of a convolution with respect to its bias [Co]: the sum of the gradient over batch and voxels.
 *
 * @param parameter the bias or another parameter of the layer, for its name
 */
export function backwardBias(gradOutput: Value, parameter?: Value): Value {
  const { channels, area, planes: count } = volumeShape(gradOutput)
  const partials = scratch('conv3d bias partials', [count, channels])
  return op({
    name: 'conv3d backward bias',
    inputs: { gradOutput },
    output: { shape: [channels] },
    scratch: [partials],
    parameter,
    planes: count,
    emit: (_, device, range) => {
      const grads = (slab: Slab) => planesOf(gradOutput, slab)
      return slabs(range, device, (slab) => [grads(slab)]).map((slab) => ({
        shader: shaders.conv3dBackwardBias,
        params: { channels, area, first_plane: slab.first },
        bindings: { grad_output: grads(slab), partials: whole(partials) },
        workgroups: [channels, slab.end - slab.first, 1],
      }))
    },
    finish: (gradBias) => [sumColumns(partials, gradBias)],
  })
}
