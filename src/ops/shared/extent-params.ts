import type { VolumeShape } from '../../graph/value.js'

/** Parameters of kernels that turn volumes into others: the extents of what is read (`in`) and written (`out`). */
export function extentParams(from: VolumeShape, to: VolumeShape): Record<string, number> {
  return {
    in_depth: from.depth,
    in_height: from.height,
    in_width: from.width,
    out_depth: to.depth,
    out_height: to.height,
    out_width: to.width,
  }
}
