import { UserError } from '../errors.js'
import { boxShape, type Box } from '../ops/shared/box.js'
import { requireWhole } from './settings.js'
import type { SpatialShape } from './shape.js'

/**
 * For each class the smallest box that holds it, grown by `margin` voxels along D, H, W and clipped to the volume;
 * undefined for an absent class. Filters of these radii need to look nowhere else.
 *
 * @throws UserError if there are not as many voxels as the shape has, or one is of no class 0..K-1
 */
export function classBoxes(
  classes: Uint8Array,
  shape: SpatialShape,
  K: number,
  margin: SpatialShape,
): (Box | undefined)[] {
  const [D, H, W] = shape
  const low = new Int32Array(K * 3).fill(2 ** 30)
  const high = new Int32Array(K * 3).fill(-1)
  if (classes.length !== D * H * W) throw new UserError(`${classes.length} voxels of ${D}x${H}x${W}`)
  let i = 0
  for (let d = 0; d < D; d++) {
    for (let h = 0; h < H; h++) {
      for (let w = 0; w < W; w++, i++) {
        const own = classes[i]!
        if (!(own < K)) throw new UserError(`voxel ${i} has class ${own}; give 0 to ${K - 1}`)
        const at = own * 3
        if (d < low[at]!) low[at] = d
        if (d > high[at]!) high[at] = d
        if (h < low[at + 1]!) low[at + 1] = h
        if (h > high[at + 1]!) high[at + 1] = h
        if (w < low[at + 2]!) low[at + 2] = w
        if (w > high[at + 2]!) high[at + 2] = w
      }
    }
  }
  return Array.from({ length: K }, (_, c) => {
    if (high[c * 3] === -1) return undefined
    const start = margin.map((n, axis) => Math.max(low[c * 3 + axis]! - n, 0))
    const stop = margin.map((n, axis) => Math.min(high[c * 3 + axis]! + 1 + n, shape[axis]!))
    return { start, stop } as unknown as Box
  })
}

/** Calls `visit(offset, boxOffset, length)` for each row (along W) of `box`, in the volume and in the box's own order. */
export function forEachRow(
  box: Box,
  shape: SpatialShape,
  visit: (offset: number, boxOffset: number, length: number) => void,
): void {
  const [, H, W] = shape
  const length = box.stop[2] - box.start[2]
  let boxOffset = 0
  for (let d = box.start[0]; d < box.stop[0]; d++) {
    for (let h = box.start[1]; h < box.stop[1]; h++, boxOffset += length) {
      visit((d * H + h) * W + box.start[2], boxOffset, length)
    }
  }
}

/** Extents once every n-th voxel is kept, the first one included. @throws UserError unless n is 1, 2, .. */
export function sampledShape(shape: SpatialShape, every: number): SpatialShape {
  requireWhole('every', every, 1)
  return shape.map((n) => Math.ceil(n / every)) as unknown as SpatialShape
}

/** Puts every n-th voxel of a volume into `target`, of which `part` holds the voxels within `box`. */
export function placeSampled(
  part: Float32Array,
  box: Box,
  shape: SpatialShape,
  every: number,
  target: Float32Array,
): void {
  const [, H, W] = shape
  const [, keptH, keptW] = sampledShape(shape, every)
  forEachRow(box, shape, (offset, boxOffset, length) => {
    const [d, h, start] = [Math.floor(offset / (H * W)), Math.floor(offset / W) % H, offset % W]
    if (d % every !== 0 || h % every !== 0) return
    const row = ((d / every) * keptH + h / every) * keptW
    for (let w = Math.ceil(start / every) * every; w < start + length; w += every) {
      target[row + w / every] = part[boxOffset + w - start]!
    }
  })
}

/** The voxels of `box` as 1 if the class is `c`, else 0. */
export function classIndicator(classes: Uint8Array, shape: SpatialShape, box: Box, c: number): Float32Array {
  const [D, H, W] = boxShape(box)
  const indicator = new Float32Array(D * H * W)
  forEachRow(box, shape, (offset, boxOffset, length) => {
    for (let x = 0; x < length; x++) if (classes[offset + x] === c) indicator[boxOffset + x] = 1
  })
  return indicator
}

/** Which voxel stands in for index `i`, outside `0..n-1`. */
type Edge = (i: number, n: number) => number

/** scipy's `reflect`: d c b a | a b c d | d c b a. */
export const reflectEdge: Edge = (i, n) => {
  const folded = ((i % (2 * n)) + 2 * n) % (2 * n)
  return folded < n ? folded : 2 * n - 1 - folded
}

/** scipy's `nearest`: a a a a | a b c d | d d d d. */
export const replicateEdge: Edge = (i, n) => Math.min(Math.max(i, 0), n - 1)

/** Filters lines: output `k` of `count` is made of `padded[k + t * stride]`, t in `0..2*radius`. */
export type LineFilter = (padded: Float32Array, output: Float32Array, stride: number, count: number) => void

/** Runs a one-dimensional filter along D, then H, then W, in place. */
export function filterAxes(
  volume: Float32Array,
  shape: SpatialShape,
  radius: number,
  edge: Edge,
  filter: LineFilter,
): void {
  for (const axis of [0, 1, 2] as const) filterAxis(volume, shape, axis, radius, edge, filter)
}

/**
 * Runs a one-dimensional filter along one axis, in place.
 *
 * The volume is [outer, n, stride]; a block [n, stride] is padded to [n + 2*radius, stride], so one flat loop serves all
 * three axes.
 */
export function filterAxis(
  volume: Float32Array,
  shape: SpatialShape,
  axis: 0 | 1 | 2,
  radius: number,
  edge: Edge,
  filter: LineFilter,
): void {
  const n = shape[axis]
  const stride = shape.slice(axis + 1).reduce((product, extent) => product * extent, 1)
  const count = n * stride
  const padded = new Float32Array(count + 2 * radius * stride)
  for (let block = 0; block < volume.length; block += count) {
    const lines = volume.subarray(block, block + count)
    padded.set(lines, radius * stride)
    for (let t = 1; t <= radius; t++) {
      const before = edge(-t, n) * stride
      const after = edge(n - 1 + t, n) * stride
      copy(lines, before, padded, (radius - t) * stride, stride)
      copy(lines, after, padded, (radius + n - 1 + t) * stride, stride)
    }
    filter(padded, lines, stride, count)
  }
}

function copy(from: Float32Array, at: number, to: Float32Array, target: number, length: number): void {
  for (let i = 0; i < length; i++) to[target + i] = from[at + i]!
}
