import { defineNode, scratch, type KernelCall } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import { volumeShape, type Shape, type Value } from '../../graph/value.js'
import { planes, slabs, whole, widened, type Slab } from '../../graph/window.js'
import { sumColumns } from '../shared/reduce.js'
import * as shaders from '../../generated/shaders.js'
import { coarsened, convolutionPlanes, kernelShape } from './geometry.js'
import { balancedTile, lanesOf, largeVolume, tellingLanes } from './tile.js'
import { unrollBackwardWeight } from './unroll-backward-weight.js'

/** Bricks to aim at: enough to fill a large GPU, few enough that their partial sums stay small beside the volume. */
const mostBricks = 1024
const mostPartials = 4e6
const leastBrick = 256
/** Channels for which one invocation holds sums, by the size of the volume: more take longer to compile. */
const mostChannels = { large: 16, small: 8 }
/** Sums of one invocation. On a driver of the CPU those beyond its registers lie in a cache; for hardware not measured. */
const mostSums = { software: 144, hardware: 64 }
/** With fewer output channels than these, an invocation holds sums for the input channels instead. */
const fewOutputs = 4

/** A convolution whose weights' gradient is wanted. */
interface WeightProblem {
  readonly input: Value
  /** Upsampled and put before the input's channels, where given. */
  readonly coarse?: Value | undefined
  readonly gradOutput: Value
  /** [Co, Ci, kD, kH, kW] */
  readonly shape: Shape
  /** Whether the bias's gradient is wanted too. */
  readonly bias: boolean
}

/** Gradients of a convolution with respect to its weights and its bias [Co], if it has one. */
export function backwardWeight(problem: WeightProblem): {
  readonly weight: Value
  readonly bias: Value | undefined
} {
  const { input, coarse, gradOutput, shape, bias } = problem
  const [outputs, inputs, kd, kh, kw] = kernelShape(shape)
  const { depth, height, width, area, voxels, planes: count } = volumeShape(input)
  const transposed = outputs < Math.min(fewOutputs, inputs) && !coarse
  const withBias = bias && !transposed
  const size = outputs * inputs * kd * kh * kw
  const columns = size + (withBias ? outputs : 0)
  const most = Math.min(mostBricks / count, mostPartials / columns / count, area / leastBrick)
  const quads = Math.ceil(width / 4)
  const brickQuads = Math.ceil(quads / Math.min(quads, Math.max(1, Math.floor(most))))
  const bricksPerPlane = Math.ceil(quads / brickQuads)
  const partials = scratch('conv3d weight partials', [count * bricksPerPlane, columns])
  const told = transposed ? input : gradOutput
  const toldChannels = transposed ? inputs : outputs
  const halo = (kd - 1) / 2

  const {
    outputs: [gradWeight, gradBias],
  } = defineNode({
    name: 'conv3d backward weight',
    inputs: { input, gradOutput, coarse },
    outputs: [{ shape, layout: 'flat' }, ...(withBias ? [{ shape: [outputs] }] : [])],
    scratch: [partials],
    ...convolutionPlanes(transposed ? gradOutput : input, kd, coarse),
    emit: (_, device, range) => {
      const subgroup = tellingLanes(device)
      const lanes = lanesOf(device)
      const sums = device.software ? mostSums.software : mostSums.hardware
      // A kernel so large that the sums of one channel are too many is taken row by row.
      const rows = kh * kw <= sums ? kh : 1
      const widest = voxels >= largeVolume ? mostChannels.large : mostChannels.small
      const tile = balancedTile(toldChannels, Math.max(1, Math.min(widest, Math.floor(sums / (rows * kw)))))
      const part = (own: Value, firstInput: number) => {
        const upsampled = own === coarse
        const windows = (slab: Slab) => {
          const read = widened(slab, halo)
          const { first, last } = upsampled ? coarsened(read) : read
          return { own: planes(own, first, last), told: planes(told, slab.first, slab.last) }
        }
        const { channels } = volumeShape(own)
        const ownPlanes = upsampled ? (kd + 1) / 2 : kd
        return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab): KernelCall => {
          const bricks = (slab.last - slab.first) * bricksPerPlane
          return {
            shader: shaders.conv3dBackwardWeight,
            flags: {
              VECTOR: width % 4 === 0,
              UPSAMPLED: upsampled,
              TRANSPOSED: transposed,
              SUBGROUPS: subgroup > 0,
            },
            consts: { KD: kd, KH: kh, KW: kw, ROWS: rows, TILE_CO: tile, LANES: lanes },
            generated: unrollBackwardWeight({
              channels: tile,
              whole: toldChannels % tile === 0,
              rows,
              kernelWidth: kw,
              subgroup,
              upsampled,
              vector: width % 4 === 0,
            }),
            params: {
              own_channels: channels,
              told_channels: toldChannels,
              // The part of the input that the convolution always has brings the bias.
              with_bias: withBias && !upsampled ? 1 : 0,
              first_input: firstInput,
              weight_inputs: inputs,
              columns,
              depth,
              height,
              width,
              first_plane: slab.first,
              first_brick: slab.first * bricksPerPlane,
              bricks_per_plane: bricksPerPlane,
              brick_columns: 4 * brickQuads,
            },
            bindings: { ...windows(slab), partials: whole(partials) },
            threads: [channels * ownPlanes * (kh / rows), Math.ceil(toldChannels / tile), bricks],
          }
        })
      }
      if (transposed) return part(gradOutput, 0)
      return coarse ? [...part(coarse, 0), ...part(input, volumeShape(coarse).channels)] : part(input, 0)
    },
    finish: ([gradWeight, gradBias]) => [
      sumColumns(partials, gradWeight),
      ...(gradBias ? [sumColumns(partials, gradBias, size)] : []),
    ],
  })
  return { weight: gradWeight, bias: bias && transposed ? backwardBias(gradOutput) : gradBias }
}

/** Gradient of a convolution with respect to its bias [Co]: the sum of the gradient over batch and voxels. */
export function backwardBias(gradOutput: Value): Value {
  const { channels, area, planes: count } = volumeShape(gradOutput)
  const partials = scratch('conv3d bias partials', [count, channels])
  return op({
    name: 'conv3d backward bias',
    inputs: { gradOutput },
    output: { shape: [channels] },
    scratch: [partials],
    planes: count,
    emit: (_, device, range) => {
      const grads = ({ first, last }: Slab) => planes(gradOutput, first, last)
      return slabs(range, device, (slab) => [grads(slab)]).map((slab) => ({
        shader: shaders.conv3dBackwardBias,
        params: { channels, area, first_plane: slab.first },
        bindings: { grad_output: grads(slab), partials: whole(partials) },
        workgroups: [channels, slab.last - slab.first, 1],
      }))
    },
    finish: (gradBias) => [sumColumns(partials, gradBias)],
  })
}
