import type { SpatialShape } from '../sae/shape.js'
import { compose } from '../sae/synth/affine.js'
import { valueAt } from './interpolate.js'
import { inverse, spacingOf, type PlacedShape } from './placed.js'
import type { DisplacementField } from './pullback.js'

/** A displacement of the voxels of a grid along D, H, W, in voxels; each [D, H, W]. */
export type VoxelField = readonly [Float32Array, Float32Array, Float32Array]

/** Nothing moves. */
export function zeroField([D, H, W]: SpatialShape): VoxelField {
  const axis = (): Float32Array => new Float32Array(D * H * W)
  return [axis(), axis(), axis()]
}

/** First `step`, then `field`: x becomes x + step(x) + field(x + step(x)). Beyond the grid, `field` is 0. */
export function composeFields(field: VoxelField, step: VoxelField, shape: SpatialShape): VoxelField {
  const [D, H, W] = shape
  const result = zeroField(shape)
  for (let d = 0, i = 0; d < D; d++) {
    for (let h = 0; h < H; h++) {
      for (let w = 0; w < W; w++, i++) {
        const [a, b, c] = [step[0][i]!, step[1][i]!, step[2][i]!]
        for (const axis of [0, 1, 2] as const) {
          result[axis][i] = step[axis][i]! + valueAt(field[axis], shape, d + a, h + b, w + c, 0)
        }
      }
    }
  }
  return result
}

/** An image seen through a field: its value at x + field(x), 0 beyond it. */
export function displaced(image: Float32Array, field: VoxelField, shape: SpatialShape): Float32Array {
  const [D, H, W] = shape
  const result = new Float32Array(image.length)
  for (let d = 0, i = 0; d < D; d++) {
    for (let h = 0; h < H; h++) {
      for (let w = 0; w < W; w++, i++) {
        result[i] = valueAt(image, shape, d + field[0][i]!, h + field[1][i]!, w + field[2][i]!, 0)
      }
    }
  }
  return result
}

/** A field on another grid whose axes run the same way, in voxels of that. Beyond the field nothing moves. */
export function resizedField(field: VoxelField, from: PlacedShape, to: PlacedShape): VoxelField {
  const [[a, , , x], [, b, , y], [, , c, z]] = compose(inverse(from.toWorld), to.toWorld)
  const [old, wanted] = [spacingOf(from), spacingOf(to)]
  const [D, H, W] = to.shape
  const result = zeroField(to.shape)
  for (const axis of [0, 1, 2] as const) {
    const factor = old[axis] / wanted[axis]
    for (let d = 0, i = 0; d < D; d++) {
      for (let h = 0; h < H; h++) {
        for (let w = 0; w < W; w++, i++) {
          result[axis][i] = factor * valueAt(field[axis], from.shape, a * d + x, b * h + y, c * w + z, 0)
        }
      }
    }
  }
  return result
}

/** The field in millimetres along the axes of the world. */
export function inWorld(field: VoxelField, grid: PlacedShape): DisplacementField {
  const along = (row: 0 | 1 | 2): Float32Array => {
    const [a, b, c] = grid.toWorld[row]
    return field[0].map((value, i) => a * value + b * field[1][i]! + c * field[2][i]!)
  }
  return { shape: grid.shape, toWorld: grid.toWorld, data: [along(0), along(1), along(2)] }
}

/** Derivatives along D, H, W by central differences, one-sided at the edges. */
export function gradientOf(data: Float32Array, shape: SpatialShape): VoxelField {
  const result = zeroField(shape)
  for (const axis of [0, 1, 2] as const) {
    const n = shape[axis]
    const stride = shape.slice(axis + 1).reduce((product, extent) => product * extent, 1)
    const out = result[axis]
    for (let i = 0; i < data.length; i++) {
      const at = Math.floor(i / stride) % n
      const before = at > 0 ? i - stride : i
      const after = at < n - 1 ? i + stride : i
      out[i] = after === before ? 0 : ((data[after]! - data[before]!) * stride) / (after - before)
    }
  }
  return result
}

/** The least determinant of the derivative of x + field(x): at or below 0, the field folds. */
export function leastJacobian(field: VoxelField, shape: SpatialShape): number {
  const [u, v, t] = field.map((axis) => gradientOf(axis, shape)) as [VoxelField, VoxelField, VoxelField]
  let least = Infinity
  for (let i = 0; i < u[0].length; i++) {
    const [a, b, c] = [1 + u[0][i]!, u[1][i]!, u[2][i]!]
    const [d, e, f] = [v[0][i]!, 1 + v[1][i]!, v[2][i]!]
    const [g, h, k] = [t[0][i]!, t[1][i]!, 1 + t[2][i]!]
    least = Math.min(least, a * (e * k - f * h) - b * (d * k - f * g) + c * (d * h - e * g))
  }
  return least
}
