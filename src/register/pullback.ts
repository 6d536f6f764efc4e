import type { SpatialShape } from '../sae/shape.js'
import { compose, type Affine } from '../sae/synth/affine.js'
import type { Warp } from '../sae/synth/warp.js'
import { valueAt } from './interpolate.js'
import { inverse, type PlacedShape } from './placed.js'

/** A smooth displacement of a world, in millimetres: x becomes x + u(x). Nothing moves beyond its grid. */
export interface DisplacementField extends PlacedShape {
  /** Along the three axes of the world, each [D, H, W]. */
  readonly data: readonly [Float32Array, Float32Array, Float32Array]
}

/** How a registration takes the world of the fixed volume to that of the moving one: x becomes map(x + u(x)). */
export interface Transform {
  readonly map: Affine
  /** Undefined if a matrix says all. */
  readonly field?: DisplacementField
}

/** Where the voxels of a fixed grid lie in the voxels of a moving volume: `warpImage` and its like read through it. */
export class Pullback implements Warp {
  readonly source: SpatialShape
  readonly output: SpatialShape
  private readonly toWorld: Affine
  private readonly toVoxel: Affine
  private readonly field: DisplacementField | undefined
  private readonly toField: Affine | undefined

  /** @param transform from the world of `fixed` to that of `moving`. Default: they are one */
  constructor(moving: PlacedShape, fixed: PlacedShape, transform?: Transform) {
    this.source = moving.shape
    this.output = fixed.shape
    this.toWorld = fixed.toWorld
    const toVoxel = inverse(moving.toWorld)
    this.toVoxel = transform ? compose(toVoxel, transform.map) : toVoxel
    this.field = transform?.field
    this.toField = this.field && compose(inverse(this.field.toWorld), fixed.toWorld)
  }

  forEachRow(visit: (offset: number, x: Float64Array, y: Float64Array, z: Float64Array) => void): void {
    const [D, H, W] = this.output
    const [x, y, z] = [new Float64Array(W), new Float64Array(W), new Float64Array(W)]
    for (let d = 0, offset = 0; d < D; d++) {
      for (let h = 0; h < H; h++, offset += W) {
        if (this.field && this.toField) this.bentRow(this.field, this.toField, d, h, x, y, z)
        else this.straightRow(d, h, x, y, z)
        visit(offset, x, y, z)
      }
    }
  }

  private straightRow(d: number, h: number, x: Float64Array, y: Float64Array, z: Float64Array): void {
    const [a, b, c] = compose(this.toVoxel, this.toWorld)
    for (let w = 0; w < x.length; w++) {
      x[w] = a[0] * d + a[1] * h + a[2] * w + a[3]
      y[w] = b[0] * d + b[1] * h + b[2] * w + b[3]
      z[w] = c[0] * d + c[1] * h + c[2] * w + c[3]
    }
  }

  private bentRow(
    { data: [u, v, t], shape }: DisplacementField,
    [i, j, k]: Affine,
    d: number,
    h: number,
    x: Float64Array,
    y: Float64Array,
    z: Float64Array,
  ): void {
    const [p, q, r] = this.toWorld
    const [a, b, c] = this.toVoxel
    for (let w = 0; w < x.length; w++) {
      const fx = i[0] * d + i[1] * h + i[2] * w + i[3]
      const fy = j[0] * d + j[1] * h + j[2] * w + j[3]
      const fz = k[0] * d + k[1] * h + k[2] * w + k[3]
      const wx = p[0] * d + p[1] * h + p[2] * w + p[3] + valueAt(u, shape, fx, fy, fz, 0)
      const wy = q[0] * d + q[1] * h + q[2] * w + q[3] + valueAt(v, shape, fx, fy, fz, 0)
      const wz = r[0] * d + r[1] * h + r[2] * w + r[3] + valueAt(t, shape, fx, fy, fz, 0)
      x[w] = a[0] * wx + a[1] * wy + a[2] * wz + a[3]
      y[w] = b[0] * wx + b[1] * wy + b[2] * wz + b[3]
      z[w] = c[0] * wx + c[1] * wy + c[2] * wz + c[3]
    }
  }
}
