import type { Box } from '../../ops/index.js'
import { voxelsOf, type SpatialShape } from '../shape.js'

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

/** The voxels in the middle of the cubic blocks that a box of a volume is cut into; the last ones may reach beyond it. */
export interface Samples {
  /** [D, H, W], in blocks. */
  readonly shape: SpatialShape
  /** Of the voxel in the middle of each block; 0 where `inside` is. */
  readonly data: Float32Array
  /** Whether that voxel lies in the mask and the box: 1 or 0. */
  readonly inside: Float32Array
}

/**
 * Takes one voxel of each block. Means of blocks would be less noisy, but mix tissues.
 *
 * @param edge of a block, in voxels: odd, so that it has a middle
 */
export function middlesOfBlocks(
  data: Float32Array,
  mask: Uint8Array,
  [, H, W]: SpatialShape,
  { start, stop }: Box,
  edge: number,
): Samples {
  const along = (axis: 0 | 1 | 2): number => Math.ceil((stop[axis] - start[axis]) / edge)
  const shape: SpatialShape = [along(0), along(1), along(2)]
  const size = voxelsOf(shape)
  const samples = { shape, data: new Float32Array(size), inside: new Float32Array(size) }
  const place = (axis: 0 | 1 | 2, block: number): number => start[axis] + block * edge + (edge - 1) / 2
  for (let d = 0, to = 0; d < shape[0]; d++) {
    for (let h = 0; h < shape[1]; h++) {
      for (let w = 0; w < shape[2]; w++, to++) {
        const [z, y, x] = [place(0, d), place(1, h), place(2, w)]
        const at = (z * H + y) * W + x
        if (z >= stop[0] || y >= stop[1] || x >= stop[2] || mask[at] === 0) continue
        samples.data[to] = data[at]!
        samples.inside[to] = 1
      }
    }
  }
  return samples
}
