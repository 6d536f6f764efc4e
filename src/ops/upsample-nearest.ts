import { defineNode, only } from '../autograd/node.js'
import { volumeShape, type Value } from '../autograd/value.js'
import { planes, slabs, type Slab } from '../autograd/window.js'
import * as shaders from '../generated/shaders.js'

/**
 * Nearest-neighbour upsampling by two, as `torch.nn.functional.interpolate(input, scale_factor=2)`.
 *
 * @param input [N, C, D, H, W]
 * @returns [N, C, 2D, 2H, 2W]
 */
export function upsampleNearest(input: Value): Value {
  const [n, c, ...extents] = input.shape as [number, number, number, number, number]
  const { channels, height, width, area, planes: count } = volumeShape(input)
  const coarse = ({ first, last }: Slab) => ({ first: Math.floor(first / 2), last: Math.ceil(last / 2) })
  return only(
    defineNode({
      op: 'upsample_nearest',
      inputs: [input],
      outputs: [{ shape: [n, c, ...extents.map((extent) => 2 * extent)] }],
      emit: {
        planes: 2 * count,
        reads: (_, slab) => coarse(slab),
        emit: ([output], device, range) => {
          const windows = (slab: Slab) => ({
            input: planes(input, coarse(slab).first, coarse(slab).last),
            output: planes(output!, slab.first, slab.last),
          })
          return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab) => ({
            shader: shaders.upsampleNearestForward,
            params: { channels, in_height: height, in_width: width, first_plane: slab.first },
            bindings: windows(slab),
            workgroups: [Math.ceil((4 * area) / 64), channels, slab.last - slab.first],
          }))
        },
      },
      backward: ([gradOutput]) => [upsampleNearestBackward(input, gradOutput!)],
    }),
  )
}

/** Gradient with respect to `input` of `upsampleNearest(input)`. */
export function upsampleNearestBackward(input: Value, gradOutput: Value): Value {
  const { channels, height, width, area, planes: count } = volumeShape(input)
  const fine = ({ first, last }: Slab) => ({ first: 2 * first, last: 2 * last })
  return only(
    defineNode({
      op: 'upsample_nearest backward',
      inputs: [gradOutput],
      outputs: [{ shape: input.shape }],
      emit: {
        planes: count,
        reads: (_, slab) => fine(slab),
        emit: ([gradInput], device, range) => {
          const windows = (slab: Slab) => ({
            grad_output: planes(gradOutput, fine(slab).first, fine(slab).last),
            grad_input: planes(gradInput!, slab.first, slab.last),
          })
          return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab) => ({
            shader: shaders.upsampleNearestBackward,
            params: { channels, in_height: height, in_width: width, first_plane: slab.first },
            bindings: windows(slab),
            workgroups: [Math.ceil(area / 64), channels, slab.last - slab.first],
          }))
        },
      },
    }),
  )
}
