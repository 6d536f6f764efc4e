import type { Box } from '../../ops/index.js'
import type { SpatialShape } from '../separable-filter.js'

/** The smallest box that holds all voxels of a mask [D, H, W]. @throws Error if there are none */
export function boxOfMask(mask: Uint8Array, [D, H, W]: SpatialShape): Box {
  const low = [D, H, W]
  const high = [0, 0, 0]
  for (let d = 0, at = 0; d < D; d++) {
    for (let h = 0; h < H; h++) {
      for (let w = 0; w < W; w++) {
        if (mask[at++] === 0) continue
        const place = [d, h, w]
        for (let axis = 0; axis < 3; axis++) {
          low[axis] = Math.min(low[axis]!, place[axis]!)
          high[axis] = Math.max(high[axis]!, place[axis]! + 1)
        }
      }
    }
  }
  if (high[0] === 0) throw new Error('the mask is empty')
  return { start: [low[0]!, low[1]!, low[2]!], stop: [high[0]!, high[1]!, high[2]!] }
}

/** A box of a volume as cubic blocks of voxels; the last ones may reach beyond the box. */
export interface Blocks {
  /** [D, H, W], in blocks. */
  readonly shape: SpatialShape
  /** Mean of the voxels of the mask in each block; 0 if there are none. */
  readonly mean: Float32Array
  /** Share of its voxels that lie in the mask. */
  readonly share: Float32Array
}

/** @param edge of a block, in voxels */
export function meanOfBlocks(
  data: Float32Array,
  mask: Uint8Array,
  [, H, W]: SpatialShape,
  { start, stop }: Box,
  edge: number,
): Blocks {
  const along = (axis: 0 | 1 | 2): number => Math.ceil((stop[axis] - start[axis]) / edge)
  const shape: SpatialShape = [along(0), along(1), along(2)]
  const size = shape[0] * shape[1] * shape[2]
  const sums = new Float64Array(size)
  const counts = new Float32Array(size)
  for (let d = start[0]; d < stop[0]; d++) {
    for (let h = start[1]; h < stop[1]; h++) {
      const block = Math.trunc((d - start[0]) / edge) * shape[1] + Math.trunc((h - start[1]) / edge)
      for (let w = start[2]; w < stop[2]; w++) {
        const at = (d * H + h) * W + w
        if (mask[at] === 0) continue
        const to = block * shape[2] + Math.trunc((w - start[2]) / edge)
        sums[to]! += data[at]!
        counts[to]!++
      }
    }
  }
  return {
    shape,
    mean: Float32Array.from(sums, (sum, i) => (counts[i]! > 0 ? sum / counts[i]! : 0)),
    share: counts.map((count) => count / edge ** 3),
  }
}
