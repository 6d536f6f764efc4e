import type { SpatialShape } from '../shape.js'
import { SplineField, SplineGrid } from '../spline-field.js'
import type { Random } from './random.js'

/**
 * A smooth random field: a cubic B-spline over `cells` spans along each axis, with a standard deviation of about 1.
 *
 * @returns [D, H, W]
 */
export function smoothField(random: Random, shape: SpatialShape, cells: number): Float32Array {
  const [D, H, W] = shape
  const field = SplineField.random(() => random.normal(), new SplineGrid(shape, [cells, cells, cells]))
  const samples = new Float32Array(D * H * W)
  for (let d = 0, at = 0; d < D; d++) {
    for (let h = 0; h < H; h++, at += W) field.row(d, h, samples.subarray(at, at + W))
  }
  return samples
}

/**
 * Distance to the sheets where a field vanishes, to first order: its size over its slope, in units in which each side
 * of the volume is 2 long.
 */
export function distanceToZero(field: Float32Array, shape: SpatialShape): Float32Array {
  const slopeSquared = new Float64Array(field.length)
  let stride = field.length
  for (const n of shape) {
    stride /= n
    for (let i = 0; i < field.length; i++) {
      const position = Math.floor(i / stride) % n
      const before = position === 0 ? i : i - stride
      const after = position === n - 1 ? i : i + stride
      const slope = ((field[after]! - field[before]!) * n * stride) / (2 * (after - before))
      slopeSquared[i]! += slope * slope
    }
  }
  return field.map((value, i) => Math.abs(value) / Math.sqrt(slopeSquared[i]! + 1e-6))
}
