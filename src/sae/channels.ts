import type { SpatialShape } from './shape.js'

/** The channels of a scan [C, D, H, W], without a copy. @throws Error if the shape does not divide it */
export function splitChannels(scan: Float32Array, [D, H, W]: SpatialShape): Float32Array[] {
  const voxels = D * H * W
  const channels = scan.length / voxels
  if (!Number.isInteger(channels))
    throw new Error(`a scan of ${scan.length} voxels, not ${voxels} for each channel`)
  return Array.from({ length: channels }, (_, c) => scan.subarray(c * voxels, (c + 1) * voxels))
}

/**
 * A scan [C, D, H, W] of these channels [D, H, W]; of a single one, that channel itself.
 *
 * @throws Error if there are none, or they differ in their number of voxels
 */
export function joinChannels(channels: readonly Float32Array[]): Float32Array {
  if (channels.length === 1) return channels[0]!
  const sizes = new Set(channels.map(({ length }) => length))
  if (sizes.size !== 1) throw new Error(`a scan of channels of ${[...sizes].join(' and ') || 'no'} voxels`)
  const size = channels[0]!.length
  const scan = new Float32Array(channels.length * size)
  channels.forEach((data, c) => {
    scan.set(data, c * size)
  })
  return scan
}
