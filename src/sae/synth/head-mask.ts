import type { Random } from '../phantom/random.js'
import { filterAxis, replicateEdge, type LineFilter } from '../separable-filter.js'
import type { SpatialShape } from '../shape.js'
import { normalField } from './noise.js'

/**
 * What skull stripping leaves: the labelled voxels, the gaps between them, and a rim of varying width around.
 *
 * The share of labelled voxels in a neighbourhood of twice the rim to either side (two box filters) must exceed a
 * threshold that varies smoothly over the head. On average it is 1/8, which a flat surface reaches at the distance of the
 * rim; a sulcus exceeds it and is filled.
 *
 * @param labels classes, 0 is background, [D, H, W]
 * @param rim width of the rim in millimetres; 0 leaves the labelled voxels alone
 * @param spacing voxel sizes in millimetres
 * @returns 1 for voxels of the head, else 0
 */
export function headMask(
  labels: Uint8Array,
  shape: SpatialShape,
  rim: number,
  spacing: SpatialShape,
  random: Random,
): Uint8Array {
  const head = new Uint8Array(labels.length)
  for (let i = 0; i < labels.length; i++) head[i] = labels[i] === 0 ? 0 : 1
  if (rim === 0) return head
  const density = new Float32Array(head)
  let most = 1
  for (const axis of [0, 1, 2] as const) {
    const radius = Math.max(Math.round(rim / spacing[axis] - 0.5), 1)
    filterAxis(density, shape, axis, 2 * radius, replicateEdge, twoBoxes(radius))
    most *= (2 * radius + 1) * (2 * radius + 1)
  }
  const [D, H, W] = shape
  const wobble = normalField(random, shape, [25 / spacing[0], 25 / spacing[1], 25 / spacing[2]])
  const row = new Float64Array(W)
  for (let d = 0, offset = 0; d < D; d++) {
    for (let h = 0; h < H; h++, offset += W) {
      wobble.row(d, h, row)
      for (let w = 0; w < W; w++) {
        if (density[offset + w]! > most * threshold * (1 + 0.25 * row[w]!)) head[offset + w] = 1
      }
    }
  }
  return head
}

/** Share of labelled voxels around one of the head. */
const threshold = 1 / 8

/** The sum over 2 * radius + 1 elements, and that of such sums, in a time that does not depend on the radius. */
function twoBoxes(radius: number): LineFilter {
  let once = new Float32Array(0)
  return (padded, output, stride, count) => {
    const length = count + 2 * radius * stride
    if (once.length !== length) once = new Float32Array(length)
    boxSum(padded, once, stride, radius)
    boxSum(once, output, stride, radius)
  }
}

function boxSum(from: Float32Array, to: Float32Array, stride: number, radius: number): void {
  const reach = 2 * radius * stride
  for (let k = 0; k < stride; k++) {
    let sum = 0
    for (let at = k; at <= k + reach; at += stride) sum += from[at]!
    to[k] = sum
  }
  for (let k = stride; k < to.length; k++) to[k] = to[k - stride]! + from[k + reach]! - from[k - stride]!
}
