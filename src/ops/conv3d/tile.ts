import type { Tile, TileProblem } from '../../gpu/tiles.js'
import type { DeviceTraits } from '../../gpu/traits.js'

/** The channels of a tile as groups of at most four: the registers' vector widths. */
export function channelGroups(channels: number): number[] {
  return Array.from({ length: Math.ceil(channels / 4) }, (_, g) => Math.min(4, channels - 4 * g))
}

/** Volumes with at least this many voxels justify a kernel that takes long to compile. */
export const largeVolume = 2 ** 15

/**
 * The widest tiles of each kind of device.
 *
 * - software: a load costs as much as several multiply-adds and registers spill into a cache, so tiles are large;
 *   measured on lavapipe (docs/performance.md). Large tiles take seconds to compile, which pays off only for the
 *   volumes where a U-Net spends its time.
 * - hardware: 32 sums leave room for enough invocations to hide the latency of memory, unless up to 64 compute fewer outputs
 *   that are thrown away (`npm run bench:static`). Not measured.
 */
const widest = {
  software: [
    { voxels: 2 ** 19, x: 16, channels: [16] },
    { voxels: largeVolume, x: 8, channels: [16] },
    { voxels: 0, x: 4, channels: [8] },
  ],
  hardware: [{ voxels: 0, x: 4, channels: [8, 12, 16] }],
} as const

/**
 * The tile of a forward convolution on a device. Rows are at most as wide as the volume, and the unrolled body stays
 * small. If there are several blocks of channels, each is a whole number of vec4s. A tile that was measured on the device comes
 * before the defaults.
 */
export function chooseTile(
  problem: TileProblem,
  { software, tiles: tuned }: Pick<DeviceTraits, 'software' | 'tiles'>,
): Tile {
  const { outputs, width, voxels, kernelWidth } = problem
  const known = tuned?.(problem)
  if (known) {
    return { x: tileWidth(known.x, width, kernelWidth), channels: blockOf(outputs, known.channels) }
  }
  const tiles = software ? widest.software : widest.hardware
  const most = tiles.find((tile) => voxels >= tile.voxels)!
  const blocks = most.channels.map((limit) => blockOf(outputs, limit))
  const computed = (channels: number) => channels * Math.ceil(outputs / channels)
  return {
    x: tileWidth(most.x, width, kernelWidth),
    channels: blocks.reduce((best, block) => (computed(block) < computed(best) ? block : best)),
  }
}

/** The tile if one invocation must hold all outputs, of which there are at most 16. */
export function wholeTile(problem: TileProblem, device: Pick<DeviceTraits, 'software' | 'tiles'>): Tile {
  const { x, channels } = chooseTile(problem, device)
  // A tile of fewer channels may be wider than registers allow for all.
  return { x: channels < problem.outputs ? Math.min(4, x) : x, channels: problem.outputs }
}

/** Channels of equal blocks, at most `limit` each: all of them, or a whole number of vec4s. */
function blockOf(outputs: number, limit: number): number {
  const blocks = Math.ceil(outputs / limit)
  return blocks === 1 ? outputs : 4 * Math.ceil(outputs / blocks / 4)
}

/** The width of a tile: a power of two, at most `widest`, no wider than the volume needs, less for wide kernels. */
export function tileWidth(widest: number, width: number, kernelWidth: number): number {
  const room = kernelWidth <= 3 ? widest : kernelWidth <= 7 ? widest / 2 : widest / 4
  let x = 1
  while (x < room && x < width) x *= 2
  return x
}

/** The widest block, at most `limit`, that cuts the channels into blocks of nearly the same width. */
export function balancedTile(channels: number, limit: number): number {
  return Math.ceil(channels / Math.ceil(channels / limit))
}
