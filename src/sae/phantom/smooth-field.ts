import type { SpatialShape } from '../separable.js'
import type { Random } from './random.js'

/**
 * A smooth random field: independent normal values on a coarse grid of `cells` spans along each axis, joined by uniform
 * cubic B-splines (twice continuously differentiable), scaled to a standard deviation of about 1.
 *
 * @returns [D, H, W]
 */
export function smoothField(random: Random, shape: SpatialShape, cells: number): Float32Array {
  const knots = cells + 3
  let values = Float64Array.from({ length: knots ** 3 }, () => random.normal() * splineGain)
  // Refine one axis at a time, always the leading one, and move it to the end: three turns restore D, H, W.
  let trailing = knots * knots
  for (const n of shape) {
    values = refineLeadingAxis(values, n, cells, trailing)
    trailing = values.length / knots
  }
  return Float32Array.from(values)
}

/** Makes the mean variance 1: the squared weights of one axis sum to 0.479 on average, and 0.479^(-3/2) = 3.01. */
const splineGain = 3.01

/** [knots, trailing] -> [trailing, n] */
function refineLeadingAxis(
  values: Float64Array,
  n: number,
  cells: number,
  trailing: number,
): Float64Array<ArrayBuffer> {
  const refined = new Float64Array(trailing * n)
  for (let i = 0; i < n; i++) {
    const position = ((i + 0.5) / n) * cells
    const cell = Math.floor(position)
    const [a, b, c, d] = splineWeights(position - cell)
    const at = cell * trailing
    for (let t = 0; t < trailing; t++) {
      refined[t * n + i] =
        a * values[at + t]! +
        b * values[at + trailing + t]! +
        c * values[at + 2 * trailing + t]! +
        d * values[at + 3 * trailing + t]!
    }
  }
  return refined
}

function splineWeights(t: number): [number, number, number, number] {
  const u = 1 - t
  return [
    (u * u * u) / 6,
    (3 * t * t * t - 6 * t * t + 4) / 6,
    (3 * u * u * u - 6 * u * u + 4) / 6,
    (t * t * t) / 6,
  ]
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
