/** Outputs that one invocation of a convolution kernel computes: `x` along a row for `channels` output channels. */
export interface Tile {
  /** Voxels along a row. */
  readonly x: number
  /** Output channels. */
  readonly channels: number
}

/** What the choice of a tile depends on. */
export interface TileProblem {
  /** Output channels. */
  readonly outputs: number
  /** Voxels of a row. */
  readonly width: number
  /** Of the whole volume. */
  readonly voxels: number
  /** Taps along x. */
  readonly kernelWidth: number
}

/** The tile that was fastest for a convolution, as measured on one device. */
export interface TunedTile extends Tile, TileProblem {}

/** The tile for a convolution; undefined for the default of the kind of device. */
export type TileTable = (problem: TileProblem) => Tile | undefined

/** Volumes that differ by more than this factor share no measurement. */
const similar = 4

/** Answers with the tile of the volume closest in size, among those with the same outputs and kernel width. */
export function tableOf(tuned: readonly TunedTile[]): TileTable {
  return ({ outputs, kernelWidth, voxels }) => {
    const distance = (entry: TunedTile) => Math.abs(Math.log(entry.voxels / voxels))
    const [closest] = tuned
      .filter((entry) => entry.outputs === outputs && entry.kernelWidth === kernelWidth)
      .sort((a, b) => distance(a) - distance(b))
    return closest && distance(closest) <= Math.log(similar) ? closest : undefined
  }
}

/** The tuned tiles that a file holds; undefined if it holds anything else. */
export function readTunedTiles(value: unknown): readonly TunedTile[] | undefined {
  return Array.isArray(value) && value.every(isTunedTile) ? value : undefined
}

function isTunedTile(value: unknown): value is TunedTile {
  if (typeof value !== 'object' || value === null) return false
  const { x, channels, outputs, width, voxels, kernelWidth } = value as Record<string, unknown>
  return (
    [1, 2, 4, 8, 16].some((wide) => wide === x) &&
    Number(channels) <= 16 &&
    [channels, outputs, width, voxels, kernelWidth].every((n) => Number.isInteger(n) && Number(n) > 0)
  )
}
