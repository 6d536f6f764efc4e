import { defineNode, only, scratch } from '../../autograd/node.js'
import { volumeShape, type Shape, type Value } from '../../autograd/value.js'
import { planes, slabs, whole, widened, type Slab } from '../../autograd/window.js'
import { sumColumns } from '../reduce.js'
import { coarsened, convolutionPlanes, kernelShape } from './forward.js'
import { largeVolume } from './tile.js'
import { unrollBackwardWeight } from './unroll-backward-weight.js'

/** Bricks to aim at: enough to fill a large GPU, few enough that their partial sums stay small beside the volume. */
const mostBricks = 1024
const mostPartials = 4e6
const leastBrick = 256
/** Output channels for which one invocation holds sums, by the size of the volume: more take longer to compile. */
const mostChannels = { large: 16, small: 8 }
const mostSums = 64
/** Lanes of a subgroup that read gradients for it: as many as the narrowest drivers have, or twice that. */
const mostTellers = 8

/**
 * Gradient of a convolution with respect to its weights, of shape `shape` = [Co, Ci, kD, kH, kW]. The first input
 * channels are those of `coarse`, upsampled, where that is given.
 */
export function backwardWeight(input: Value, gradOutput: Value, shape: Shape, coarse?: Value): Value {
  const [outputs, inputs, kd, kh, kw] = kernelShape(shape)
  const { depth, height, width, area, voxels, planes: count } = volumeShape(input)
  const size = outputs * inputs * kd * kh * kw
  const most = Math.min(mostBricks / count, mostPartials / size / count, area / leastBrick)
  const wanted = Math.max(1, Math.floor(most))
  const brickRows = Math.ceil(height / Math.min(height, wanted))
  const bricksPerPlane = Math.ceil(height / brickRows)
  const partials = scratch('conv3d weight partials', [count * bricksPerPlane, size])
  const widest = voxels >= largeVolume ? mostChannels.large : mostChannels.small
  const tile = balancedTile(outputs, Math.max(1, Math.min(widest, Math.floor(mostSums / kw))))

  return only(
    defineNode({
      op: 'conv3d backward weight',
      inputs: [input, gradOutput, ...(coarse ? [coarse] : [])],
      outputs: [{ shape, layout: 'flat' }],
      scratch: [partials],
      emit: {
        ...convolutionPlanes(input, kd, coarse),
        emit: (_, device, range) =>
          [...(coarse ? [coarse] : []), input].flatMap((part) => {
            const upsampled = part === coarse
            const halo = (kd - 1) / 2
            const windows = (slab: Slab) => {
              const read = widened(slab, halo)
              const { first, last } = upsampled ? coarsened(read) : read
              return {
                input: planes(part, first, last),
                grad_output: planes(gradOutput, slab.first, slab.last),
              }
            }
            const { channels } = volumeShape(part)
            const subgroup = device.subgroupSize >= 4 ? Math.min(device.subgroupSize, mostTellers) : 0
            // A driver of the CPU runs a subgroup at a time: lanes without a role would cost as much as the others.
            const lanes = device.software ? 8 : 64
            return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab) => ({
              shader: 'conv3d/backward_weight' as const,
              flags: { VECTOR: width % 4 === 0, UPSAMPLED: upsampled, SUBGROUPS: subgroup > 0 },
              consts: { KD: kd, KH: kh, KW: kw, TILE_CO: tile, LANES: lanes },
              generated: unrollBackwardWeight({
                channels: tile,
                whole: outputs % tile === 0,
                kernelWidth: kw,
                subgroup,
              }),
              params: {
                inputs: channels,
                first_input: coarse && !upsampled ? volumeShape(coarse).channels : 0,
                weight_inputs: inputs,
                outputs,
                depth,
                height,
                width,
                first_plane: slab.first,
                bricks: (slab.last - slab.first) * bricksPerPlane,
                first_brick: slab.first * bricksPerPlane,
                bricks_per_plane: bricksPerPlane,
                brick_rows: brickRows,
              },
              bindings: { ...windows(slab), partials: whole(partials) },
              workgroups: [
                Math.ceil((channels * kd * kh) / lanes),
                Math.ceil(outputs / tile),
                (slab.last - slab.first) * bricksPerPlane,
              ] as const,
            }))
          }),
        finish: ([gradWeight]) => [sumColumns(partials, gradWeight!)],
      },
    }),
  )
}

/** Gradient of a convolution with respect to its bias [Co]: the sum of the gradient over batch and voxels. */
export function backwardBias(gradOutput: Value): Value {
  const { channels, area, planes: count } = volumeShape(gradOutput)
  const partials = scratch('conv3d bias partials', [count, channels])
  return only(
    defineNode({
      op: 'conv3d backward bias',
      inputs: [gradOutput],
      outputs: [{ shape: [channels] }],
      scratch: [partials],
      emit: {
        planes: count,
        emit: (_, device, range) => {
          const grads = ({ first, last }: Slab) => planes(gradOutput, first, last)
          return slabs(range, device, (slab) => [grads(slab)]).map((slab) => ({
            shader: 'conv3d/backward_bias',
            params: { channels, area, first_plane: slab.first },
            bindings: { grad_output: grads(slab), partials: whole(partials) },
            workgroups: [channels, slab.last - slab.first, 1],
          }))
        },
        finish: ([gradBias]) => [sumColumns(partials, gradBias!)],
      },
    }),
  )
}

/** The widest block, at most `limit`, that cuts the channels into blocks of nearly the same width. */
function balancedTile(channels: number, limit: number): number {
  return Math.ceil(channels / Math.ceil(channels / limit))
}
