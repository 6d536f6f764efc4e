import type { SpatialShape } from '../sae/shape.js'

/** Voxels from `start` up to, not including, `stop`, along D, H, W. */
export interface VoxelBox {
  readonly start: SpatialShape
  readonly stop: SpatialShape
}

/** The smallest box of what is above `dark`, grown by a margin and clipped to the volume; all of it if nothing is. */
export function grownBox(
  data: Float32Array | Uint8Array,
  shape: SpatialShape,
  dark: number,
  margin: SpatialShape,
): VoxelBox {
  const [D, H, W] = shape
  const low = [D, H, W]
  const high = [-1, -1, -1]
  for (let d = 0, i = 0; d < D; d++) {
    for (let h = 0; h < H; h++) {
      for (let w = 0; w < W; w++, i++) {
        if (!(data[i]! > dark)) continue
        if (d < low[0]!) low[0] = d
        if (d > high[0]!) high[0] = d
        if (h < low[1]!) low[1] = h
        if (h > high[1]!) high[1] = h
        if (w < low[2]!) low[2] = w
        if (w > high[2]!) high[2] = w
      }
    }
  }
  if (high[0] === -1) return { start: [0, 0, 0], stop: shape }
  const start = (axis: 0 | 1 | 2): number => Math.max(low[axis]! - Math.ceil(margin[axis]), 0)
  const stop = (axis: 0 | 1 | 2): number => Math.min(high[axis]! + 1 + Math.ceil(margin[axis]), shape[axis])
  return { start: [start(0), start(1), start(2)], stop: [stop(0), stop(1), stop(2)] }
}

/** The voxels of a box. */
export function cutOut<T extends Float32Array | Uint8Array>(
  data: T,
  shape: SpatialShape,
  { start, stop }: VoxelBox,
): T {
  const [, H, W] = shape
  const length = stop[2] - start[2]
  const result = data.slice(0, (stop[0] - start[0]) * (stop[1] - start[1]) * length) as T
  for (let d = start[0], at = 0; d < stop[0]; d++) {
    for (let h = start[1]; h < stop[1]; h++, at += length) {
      const row = (d * H + h) * W + start[2]
      result.set(data.subarray(row, row + length), at)
    }
  }
  return result
}
