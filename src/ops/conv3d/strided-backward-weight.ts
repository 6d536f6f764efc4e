import { volumeShape, type Value } from '../../graph/value.js'
import * as shaders from '../../generated/shaders.js'
import { broadcastLanes, lanesOf } from '../shared/lanes.js'
import { windowParams } from '../shared/window-params.js'
import type { Geometry } from './geometry.js'
import { balancedTile, largeVolume } from './tile.js'
import { unrollStridedBackwardWeight } from './unroll-strided-backward-weight.js'
import { weightGradient } from './weight-gradient.js'

/** Channels and sums of an invocation. Those on hardware were not tuned as those of weight-calls.ts were. */
const mostChannels = { large: 16, small: 8 }
const mostSums = { software: 144, hardware: 64 }

/** The gradient of a convolution with respect to its weights [Co, Ci, kD, kH, kW]. */
export function stridedBackwardWeight(
  name: string,
  input: Value,
  gradOutput: Value,
  weight: Value,
  geometry: Geometry,
): Value {
  const { kernel, stride, padding } = geometry
  const from = volumeShape(input)
  const to = volumeShape(gradOutput)
  return weightGradient({
    ...{ name, input, gradOutput, weight, geometry },
    positions: Math.ceil(to.width / 4),
    kernel: (device, quads) => {
      const vector = from.width % 4 === 0 && to.width % 4 === 0
      const subgroup = broadcastLanes(device)
      const sums = device.software ? mostSums.software : mostSums.hardware
      // If the kernel is so large that one channel has too many sums, it is taken row by row.
      const rows = kernel[1] * kernel[2] <= sums ? kernel[1] : 1
      const widest = to.voxels >= largeVolume ? mostChannels.large : mostChannels.small
      const tile = balancedTile(
        to.channels,
        Math.max(1, Math.min(widest, Math.floor(sums / (rows * kernel[2])))),
      )
      return {
        shader: shaders.conv3dStridedBackwardWeight,
        flags: { VECTOR: vector, SUBGROUPS: subgroup > 0 },
        consts: { ROWS: rows, TILE_CO: tile, LANES: lanesOf(device) },
        generated: unrollStridedBackwardWeight({
          channels: tile,
          whole: to.channels % tile === 0,
          rows,
          kernel: kernel[2],
          stride: [stride[1], stride[2]],
          padding: padding[2],
          vector,
          subgroup,
          storeLoop: device.software,
        }),
        params: {
          in_channels: from.channels,
          out_channels: to.channels,
          ...windowParams(input, gradOutput, geometry),
          brick_columns: 4 * quads,
        },
        threadsOf: (bricks) => [
          from.channels * kernel[0] * (kernel[1] / rows),
          Math.ceil(to.channels / tile),
          bricks,
        ],
      }
    },
  })
}
