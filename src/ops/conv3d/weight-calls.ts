import type { DeviceTraits } from '../../gpu/traits.js'
import type { KernelCall } from '../../graph/node.js'
import { volumeShape } from '../../graph/value.js'
import { planesOf, slabs, whole, widened, type Slab } from '../../graph/window.js'
import * as shaders from '../../generated/shaders.js'
import type { Bricks, Part, WeightProblem } from './bricks.js'
import { coarsened, kernelShape } from './geometry.js'
import { broadcastLanes, lanesOf } from '../shared/lanes.js'
import { balancedTile, largeVolume } from './tile.js'
import { unrollBackwardWeight, unrollBackwardWeightRows } from './unroll-backward-weight.js'

/** Channels for which one invocation of a CPU driver holds sums, by the size of the volume: more take longer to compile. */
const mostChannels = { large: 16, small: 8 }
/**
 * Sums of one invocation. On a CPU driver, those that exceed the registers live in a cache. On a GPU they are so few that
 * an AMD GPU of any family holds them and what is read in 64 registers, and 4 subgroups share a SIMD (`npm run bench:static`).
 */
const mostSums = { software: 144, hardware: 42 }

/** The dispatches of one part of a weight gradient for a range of planes. */
export function partCalls(
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
  const vector = width % 4 === 0
  // The bias is added with the part of the input that always exists.
  const biased = withBias && !upsampled ? 1 : 0
  const rolesOfRow = channels * (upsampled ? (kd + 1) / 2 : kd)
  const tileOf = (limit: number) => {
    const tile = balancedTile(broadcastChannels, Math.max(1, Math.floor(limit)))
    return { channels: tile, whole: broadcastChannels % tile === 0, kernelWidth: kw, upsampled, vector }
  }
  const flags = { VECTOR: vector, UPSAMPLED: upsampled, TRANSPOSED: transposed }
  const extents = { KD: kd, KH: kh, KW: kw }

  const columnKernel = () => {
    // If the kernel is so large that one channel has too many sums, it is taken row by row.
    const rows = kh * kw <= mostSums.software ? kh : 1
    const widest = voxels >= largeVolume ? mostChannels.large : mostChannels.small
    const tile = tileOf(Math.min(widest, mostSums.software / (rows * kw)))
    const subgroup = broadcastLanes(device)
    return {
      shader: shaders.conv3dBackwardWeight,
      flags: { ...flags, SUBGROUPS: subgroup > 0 },
      consts: { ...extents, ROWS: rows, TILE_CO: tile.channels, LANES: lanesOf(device) },
      generated: unrollBackwardWeight({ ...tile, rows, subgroup }),
      brickExtent: 4 * quads,
      roles: rolesOfRow * (kh / rows),
    }
  }
  const rowKernel = () => {
    const tile = tileOf(mostSums.hardware / kw)
    return {
      shader: shaders.conv3dBackwardWeightRows,
      flags,
      // No wider than a subgroup of most GPUs: few layers have a multiple of 64 roles.
      consts: { ...extents, TILE_CO: tile.channels, LANES: device.subgroupSize === 32 ? 32 : 64 },
      generated: unrollBackwardWeightRows(tile),
      // If a plane has fewer rows than bricks, the last bricks are empty.
      brickExtent: Math.ceil(height / perPlane),
      roles: rolesOfRow * kh + biased,
    }
  }
  const { brickExtent, roles, ...kernel } = device.software ? columnKernel() : rowKernel()

  const windows = (slab: Slab) => {
    const read = widened(slab, (kd - 1) / 2)
    return {
      shifted: planesOf(shifted, upsampled ? coarsened(read) : read),
      broadcast: planesOf(broadcast, slab),
    }
  }
  return slabs(range, device, (slab) => Object.values(windows(slab))).map((slab): KernelCall => ({
    ...kernel,
    params: {
      shifted_channels: channels,
      broadcast_channels: broadcastChannels,
      with_bias: biased,
      first_input: firstInput,
      weight_inputs: inputs,
      columns,
      depth,
      height,
      width,
      first_plane: slab.first,
      first_brick: slab.first * perPlane,
      bricks_per_plane: perPlane,
      brick_extent: brickExtent,
    },
    bindings: { ...windows(slab), partials: whole(partials) },
    threads: [
      roles,
      Math.ceil(broadcastChannels / kernel.consts.TILE_CO),
      (slab.end - slab.first) * perPlane,
    ],
  }))
}
