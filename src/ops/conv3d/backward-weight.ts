import type { DeviceTraits } from '../../gpu/traits.js'
import { defineNode, scratch, type KernelCall } from '../../graph/node.js'
import { op } from '../../graph/op.js'
import { volumeShape, type Shape, type Value } from '../../graph/value.js'
import { planesOf, slabs, whole, widened, type Slab } from '../../graph/window.js'
import { sumColumns } from '../shared/reduce.js'
import * as shaders from '../../generated/shaders.js'
import { coarsened, convolutionPlanes, kernelShape } from './geometry.js'
import { balancedTile, lanesOf, largeVolume, broadcastLanes } from './tile.js'
import { unrollBackwardWeight } from './unroll-backward-weight.js'

/** Number of bricks to aim for: enough to fill a large GPU, few enough that their partial sums stay small. */
const mostBricks = 1024
const mostPartials = 4e6
const leastBrick = 256
/** Channels for which one invocation holds sums, by the size of the volume: more take longer to compile. */
const mostChannels = { large: 16, small: 8 }
/** Sums of one invocation. On a CPU driver, those that exceed the registers live in a cache; not measured on hardware. */
const mostSums = { software: 144, hardware: 64 }
/** With fewer output channels than these, an invocation holds sums for the input channels instead. */
const fewOutputs = 4

/** A convolution, to compute the gradient of its weights. */
interface WeightProblem {
  readonly input: Value
  /** Upsampled and concatenated in front of the input's channels, if given. */
  readonly coarse?: Value | undefined
  readonly gradOutput: Value
  /** [Co, Ci, kD, kH, kW] */
  readonly shape: Shape
  /** Whether to compute the bias's gradient too. */
  readonly bias: boolean
  /** The weights, if there are such that the sums are the gradient of. */
  readonly parameter?: Value
}

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

/** The sums of a weight gradient, and how the volume is cut for them: into bricks, each some columns of a plane. */
interface Bricks {
  /** Whether invocations hold sums for the input channels, reading the gradient's as a convolution reads its input's. */
  readonly transposed: boolean
  /** Whether the bias's gradient is among the sums. */
  readonly withBias: boolean
  /** Numbers of the weights. */
  readonly weights: number
  /** Partial sums of a brick. */
  readonly columns: number
  /** Bricks of a plane. */
  readonly perPlane: number
  /** Columns of voxels of a brick, in fours. */
  readonly quads: number
}

function planBricks({ input, coarse, shape, bias }: WeightProblem): Bricks {
  const [outputs, inputs, kd, kh, kw] = kernelShape(shape)
  const { width, area, planes } = volumeShape(input)
  const transposed = outputs < Math.min(fewOutputs, inputs) && !coarse
  const withBias = bias && !transposed
  const weights = outputs * inputs * kd * kh * kw
  const columns = weights + (withBias ? outputs : 0)
  const most = Math.min(mostBricks / planes, mostPartials / columns / planes, area / leastBrick)
  const all = Math.ceil(width / 4)
  const quads = Math.ceil(all / Math.min(all, Math.max(1, Math.floor(most))))
  return { transposed, withBias, weights, columns, perPlane: Math.ceil(all / quads), quads }
}

/** The part of the sums that belongs to some of the input's channels. */
interface Part {
  /** What each lane reads for itself: the input or its coarse part; the gradient if transposed. */
  readonly shifted: Value
  /** Index of its first channel among those of the weights. */
  readonly firstInput: number
  readonly partials: Value
}

/** The dispatches of one part for a range of planes. */
function partCalls(
  { input, coarse, gradOutput, shape }: WeightProblem,
  { transposed, withBias, columns, perPlane, quads }: Bricks,
  { shifted, firstInput, partials }: Part,
  device: DeviceTraits,
  range: Slab,
): KernelCall[] {
  const [, inputs, kd, kh, kw] = kernelShape(shape)
  const { depth, height, width, voxels } = volumeShape(input)
  const broadcast = transposed ? input : gradOutput
  const { channels: broadcastChannels } = volumeShape(broadcast)
  const { channels } = volumeShape(shifted)
  const upsampled = shifted === coarse
  const shiftedPlanes = upsampled ? (kd + 1) / 2 : kd
  const vector = width % 4 === 0
  const subgroup = broadcastLanes(device)
  const lanes = lanesOf(device)
  const sums = device.software ? mostSums.software : mostSums.hardware
  // If the kernel is so large that one channel has too many sums, it is taken row by row.
  const rows = kh * kw <= sums ? kh : 1
  const widest = voxels >= largeVolume ? mostChannels.large : mostChannels.small
  const tile = balancedTile(broadcastChannels, Math.max(1, Math.min(widest, Math.floor(sums / (rows * kw)))))
  const windows = (slab: Slab) => {
    const read = widened(slab, (kd - 1) / 2)
    return {
      shifted: planesOf(shifted, upsampled ? coarsened(read) : read),
      broadcast: planesOf(broadcast, slab),
    }
  }
  return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab): KernelCall => ({
    shader: shaders.conv3dBackwardWeight,
    flags: { VECTOR: vector, UPSAMPLED: upsampled, TRANSPOSED: transposed, SUBGROUPS: subgroup > 0 },
    consts: { KD: kd, KH: kh, KW: kw, ROWS: rows, TILE_CO: tile, LANES: lanes },
    generated: unrollBackwardWeight({
      channels: tile,
      whole: broadcastChannels % tile === 0,
      rows,
      kernelWidth: kw,
      subgroup,
      upsampled,
      vector,
    }),
    params: {
      shifted_channels: channels,
      broadcast_channels: broadcastChannels,
      // The bias is added with the part of the input that always exists.
      with_bias: withBias && !upsampled ? 1 : 0,
      first_input: firstInput,
      weight_inputs: inputs,
      columns,
      depth,
      height,
      width,
      first_plane: slab.first,
      first_brick: slab.first * perPlane,
      bricks_per_plane: perPlane,
      brick_columns: 4 * quads,
    },
    bindings: { ...windows(slab), partials: whole(partials) },
    threads: [
      channels * shiftedPlanes * (kh / rows),
      Math.ceil(broadcastChannels / tile),
      (slab.end - slab.first) * perPlane,
    ],
  }))
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
