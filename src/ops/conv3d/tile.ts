/** Outputs that one invocation of a convolution kernel computes: `x` along a row for `channels` output channels. */
export interface Tile {
  readonly x: number
  readonly channels: number
}

/** The channels of a tile as groups of at most four: the registers' vector widths. */
export function channelGroups(channels: number): number[] {
  return Array.from({ length: Math.ceil(channels / 4) }, (_, g) => Math.min(4, channels - 4 * g))
}

/**
 * The tile of a forward convolution. Wide rows and about seven channels a tile were fastest of those tried on
 * lavapipe (bench/ops/conv3d.ts); rows are not made wider than the volume, nor the unrolled body large.
 */
export function chooseTile(outputs: number, width: number, kernelWidth: number): Tile {
  const blocks = Math.ceil(outputs / 8)
  const widest = kernelWidth <= 3 ? 16 : kernelWidth <= 7 ? 8 : 4
  let x = 1
  while (x < widest && x < width) x *= 2
  return { x, channels: Math.ceil(outputs / blocks) }
}
