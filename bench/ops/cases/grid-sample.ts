import { constant, input } from '../../../src/graph/value.js'
import { add, affineGrid, gridSample, multiply } from '../../../src/ops/index.js'
import { half, type Case, type Extents } from '../case.js'

/** Warps a volume by up to some voxels, as a registration does. */
function warp(channels: number, extents: Extents): Case {
  const voxels = extents.reduce((a, b) => a * b)
  const identity = Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)
  const bytes = (numbers: number) => 4 * numbers * voxels
  return {
    op: `grid_sample ${channels}`,
    shape: extents.join('x'),
    build: () => {
      const volume = input('volume', [1, channels, ...extents])
      const displacement = input('displacement', [1, 3, ...extents])
      const theta = constant('identity', [1, 3, 4], identity)
      const grid = add(affineGrid(theta, extents), multiply(displacement, 0.05))
      return { output: gridSample(volume, grid), wanted: [volume, displacement] }
    },
    work: {
      grid_sample: { flops: 0, bytes: bytes(2 * channels + 3) },
      'grid_sample backward input': { flops: 0, bytes: bytes(2 * channels + 3) },
      'grid_sample backward grid': { flops: 0, bytes: bytes(2 * channels + 6) },
    },
  }
}

export const cases: readonly Case[] = [warp(1, half), warp(4, half)]
