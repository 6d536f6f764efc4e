import { volumeShape, type Value } from '../../graph/value.js'
import { extentParams } from '../shared/extent-params.js'

/** How `gridSample` reads between voxels and outside the volume; the defaults are PyTorch's. */
export interface GridSampleOptions {
  /**
   * The weighted mean of the eight voxels around a position, or the voxel nearest to it: halfway between two, the one of
   * even index, as in PyTorch since 2.1. Default `trilinear`.
   */
  readonly mode?: 'trilinear' | 'nearest'
  /** What lies outside: zeros, or the outermost voxels continued. Default `zeros`. */
  readonly padding?: 'zeros' | 'border'
  /**
   * Whether -1 and 1 are the centres of the outermost voxels along an axis, or their outer faces, half a voxel further.
   * Default false.
   */
  readonly alignCorners?: boolean
}

/** The parameters that the kernels share. @throws Error if an option has an unknown value */
export function samplingParams(
  input: Value,
  grid: Value,
  { mode = 'trilinear', padding = 'zeros', alignCorners = false }: GridSampleOptions,
): Record<string, number> {
  if (!['trilinear', 'nearest'].includes(mode))
    throw new Error(`grid_sample: mode must be trilinear or nearest, not ${mode}`)
  if (!['zeros', 'border'].includes(padding))
    throw new Error(`grid_sample: padding must be zeros or border, not ${padding}`)
  const [from, to] = [volumeShape(input), volumeShape(grid)]
  return {
    channels: from.channels,
    ...extentParams(from, to),
    align_corners: alignCorners ? 1 : 0,
    border: padding === 'border' ? 1 : 0,
    nearest: mode === 'nearest' ? 1 : 0,
  }
}
