import { squaredDistances } from '../metrics/distance-transform.js'
import type { SpatialShape } from '../shape.js'

/**
 * Operations on masks [D, H, W] of 0 and 1. Voxels are neighbours if they share a face.
 */

/**
 * The largest connected component of a mask; the first of several of equal size.
 *
 * @returns a mask; empty if the mask is
 */
export function largestComponent(mask: Uint8Array, shape: SpatialShape): Uint8Array {
  const seen = new Uint8Array(mask.length)
  const queue = new Uint32Array(mask.length)
  let best = new Uint32Array(0)
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] === 0 || seen[start] === 1) continue
    const count = flood(start, mask, 1, shape, seen, queue)
    if (count > best.length) best = queue.slice(0, count)
  }
  const result = new Uint8Array(mask.length)
  for (const voxel of best) result[voxel] = 1
  return result
}

/** Fills what no path outside the mask connects with the border of the volume, as `scipy.ndimage.binary_fill_holes`. */
export function fillHoles(mask: Uint8Array, shape: SpatialShape): Uint8Array {
  const [D, H, W] = shape
  const outside = new Uint8Array(mask.length)
  const queue = new Uint32Array(mask.length)
  const enter = (voxel: number): void => {
    if (mask[voxel] === 0 && outside[voxel] === 0) flood(voxel, mask, 0, shape, outside, queue)
  }
  for (let d = 0, row = 0; d < D; d++) {
    for (let h = 0; h < H; h++, row += W) {
      const isSide = d === 0 || d === D - 1 || h === 0 || h === H - 1
      for (let w = 0; w < W; w += isSide ? 1 : Math.max(1, W - 1)) enter(row + w)
    }
  }
  return outside.map((value) => 1 - value)
}

/**
 * Marks the voxels with `value` that are connected with `start`, and lists them at the beginning of `queue`.
 *
 * @returns how many there are
 */
function flood(
  start: number,
  mask: Uint8Array,
  value: 0 | 1,
  [D, H, W]: SpatialShape,
  seen: Uint8Array,
  queue: Uint32Array,
): number {
  let end = 0
  const visit = (voxel: number): void => {
    if (mask[voxel] !== value || seen[voxel] === 1) return
    seen[voxel] = 1
    queue[end++] = voxel
  }
  visit(start)
  for (let at = 0; at < end; at++) {
    const voxel = queue[at]!
    const w = voxel % W
    const h = Math.trunc(voxel / W) % H
    const d = Math.trunc(voxel / (H * W))
    if (w > 0) visit(voxel - 1)
    if (w < W - 1) visit(voxel + 1)
    if (h > 0) visit(voxel - W)
    if (h < H - 1) visit(voxel + W)
    if (d > 0) visit(voxel - H * W)
    if (d < D - 1) visit(voxel + H * W)
  }
  return end
}

/**
 * The mask and all voxels within `margin` millimetres of it, centre to centre; eroded likewise if it is negative:
 * without all voxels within that distance of a voxel outside. What lies beyond the volume is neither.
 *
 * @param spacing of the voxels along D, H and W, in millimetres
 */
export function grownBy(
  mask: Uint8Array,
  shape: SpatialShape,
  margin: number,
  spacing: readonly [number, number, number],
): Uint8Array {
  if (margin === 0) return mask.slice()
  if (margin > 0) return within(mask, shape, margin, spacing)
  const outside = mask.map((value) => 1 - value)
  return within(outside, shape, -margin, spacing).map((value) => 1 - value)
}

function within(
  mask: Uint8Array,
  shape: SpatialShape,
  distance: number,
  spacing: readonly [number, number, number],
): Uint8Array {
  // Halves of a millimetre and the like are not exact in binary.
  const bound = distance ** 2 * (1 + 1e-6)
  return Uint8Array.from(squaredDistances(mask, shape, spacing), (squared) => (squared <= bound ? 1 : 0))
}
