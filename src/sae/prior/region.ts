import { boxShape, requireBox, wholeBox, type Box } from '../../ops/shared/box.js'
import { supportThreshold } from '../../ops/index.js'
import { eachAxis } from '../../ops/shared/triple.js'
import type { Prior, PriorLayout } from './prior.js'
import { forEachRow } from '../separable-filter.js'
import { voxelsOf, type SpatialShape } from '../shape.js'

/**
 * The part of a prior with something to decide: `data` of the smallest box outside which it allows only the background.
 * A `Segmenter` or `Trainer` with this prior computes logits only there; scans and results keep their full shape.
 * Everything outside is certainly background, whatever the scan.
 *
 * @param neighbourhood edge length k of the MRF, if there is one: at the sides of the box it takes the nearest voxels for
 *   those beyond, which are background as well if the box is large enough
 * @returns the prior itself if the box is all of it, or it has been cut already
 */
export function cropPrior(prior: Prior, neighbourhood = 1): Prior {
  if (prior.region) return prior
  const { data, classes, shape } = prior
  const region = grownBox(supportBox(prior), Math.max(unetReach, (neighbourhood - 1) / 2), shape)
  if (boxShape(region).every((extent, axis) => extent === shape[axis])) return prior
  return { ...prior, data: cropVolume(data, shape, region, classes), region }
}

/**
 * At most the U-Net's `reach`: logits this close to a side of the region are wrong, so these voxels must be background
 * anyway.
 */
const unetReach = 2

/**
 * The smallest box outside which a prior allows the background (class 0) only; all of the volume if it allows nothing else
 * anywhere.
 */
export function supportBox({ data, classes, shape, parts }: Prior): Box {
  const [D, H, W] = shape
  let low: SpatialShape = shape
  let high: SpatialShape = [0, 0, 0]
  for (let c = 0; c < classes; c++) {
    if ((parts?.[c]?.class ?? c) === 0) continue
    for (let d = 0; d < D; d++) {
      for (let h = 0; h < H; h++) {
        const row = ((c * D + d) * H + h) * W
        let first = 0
        while (first < W && data[row + first]! < allowed) first++
        if (first === W) continue
        let last = W - 1
        while (data[row + last]! < allowed) last--
        low = [Math.min(low[0], d), Math.min(low[1], h), Math.min(low[2], first)]
        high = [Math.max(high[0], d + 1), Math.max(high[1], h + 1), Math.max(high[2], last + 1)]
      }
    }
  }
  return high[0] === 0 ? wholeBox(shape) : { start: low, stop: high }
}

/** Kernels are fastest on voxels that the U-Net pools together, and on rows of whole vec4s, at half the resolution too. */
const startMultiple: SpatialShape = [2, 2, 4]
const extentMultiple: SpatialShape = [2, 2, 8]

/** A box grown by `margin` voxels and to starts and extents that suit the kernels, as far as the volume has room. */
function grownBox(box: Box, margin: number, shape: SpatialShape): Box {
  const top = eachAxis((axis) => Math.min(shape[axis], box.stop[axis] + margin))
  const startAt = (axis: 0 | 1 | 2, start: number) =>
    Math.max(0, Math.floor(start / startMultiple[axis]) * startMultiple[axis])
  const extent = (axis: 0 | 1 | 2, start: number) =>
    Math.ceil((top[axis] - start) / extentMultiple[axis]) * extentMultiple[axis]
  const start = eachAxis((axis) => {
    const first = startAt(axis, box.start[axis] - margin)
    const excess = first + extent(axis, first) - shape[axis]
    return excess > 0 ? startAt(axis, first - excess) : first
  })
  return { start, stop: eachAxis((axis) => Math.min(shape[axis], start[axis] + extent(axis, start[axis]))) }
}

/** As the device compares. */
const allowed = Math.fround(supportThreshold)

/** The extents of a prior's data. */
export function regionShape({ shape, region }: PriorLayout): SpatialShape {
  return region ? boxShape(region) : shape
}

/**
 * The voxels of a box of a volume [channels, D, H, W].
 *
 * @throws Error if the box is empty or reaches beyond the volume, or if `data` holds more or fewer voxels
 */
export function cropVolume<T extends Float32Array | Uint8Array>(
  data: T,
  shape: SpatialShape,
  box: Box,
  channels = 1,
): T {
  const [whole, part] = [voxelsOf(shape), voxelsOf(boxShape(box))]
  requireFit('cropVolume', box, shape, data, channels * whole)
  const cropped = emptyLike(data, channels * part)
  for (let c = 0; c < channels; c++) {
    forEachRow(box, shape, (offset, boxOffset, length) => {
      const from = c * whole + offset
      cropped.set(data.subarray(from, from + length), c * part + boxOffset)
    })
  }
  return cropped
}

/**
 * The inverse: a volume [channels, D, H, W] that holds `part` in a box.
 *
 * @param outside what it holds elsewhere, for each channel. Default 0
 * @throws Error if the box is empty or reaches beyond the volume, or if `part` holds more or fewer voxels than the box
 */
export function pasteVolume<T extends Float32Array | Uint8Array>(
  part: T,
  shape: SpatialShape,
  box: Box,
  outside: readonly number[] = [0],
): T {
  const [whole, size] = [voxelsOf(shape), voxelsOf(boxShape(box))]
  requireFit('pasteVolume', box, shape, part, outside.length * size)
  const pasted = emptyLike(part, outside.length * whole)
  outside.forEach((value, c) => {
    pasted.fill(value, c * whole, (c + 1) * whole)
    forEachRow(box, shape, (offset, boxOffset, length) => {
      const from = c * size + boxOffset
      pasted.set(part.subarray(from, from + length), c * whole + offset)
    })
  })
  return pasted
}

/** Classes of a prior's region on the whole grid: background elsewhere, [D, H, W]. */
export function onWholeGrid(classes: Uint8Array, { shape, region }: PriorLayout): Uint8Array {
  return region ? pasteVolume(classes, shape, region) : classes
}

/** @throws Error if the box does not lie in the volume, or there are not `due` values */
function requireFit(
  what: string,
  box: Box,
  shape: SpatialShape,
  { length }: ArrayLike<number>,
  due: number,
): void {
  requireBox(what, box, shape)
  if (length !== due) throw new Error(`${what}: ${length} values, not ${due}`)
}

function emptyLike<T extends Float32Array | Uint8Array>(data: T, length: number): T {
  return (data instanceof Float32Array ? new Float32Array(length) : new Uint8Array(length)) as T
}
