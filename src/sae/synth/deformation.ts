import { UserError } from '../../errors.js'
import type { Random } from '../phantom/random.js'
import type { SpatialShape } from '../shape.js'
import { SplineGrid, type SplineField } from '../spline-field.js'
import {
  affine,
  apply,
  compose,
  diagonal,
  invert,
  matrix,
  multiply,
  rotation,
  type Affine,
  type Matrix3,
  type Triple,
} from './affine.js'
import { splineNoise } from './noise.js'

/** How far a random deformation goes. All default to 0: nothing moves. */
export interface DeformationOptions {
  /** Largest rotation about each axis, in degrees, 0 to 45. */
  readonly rotation?: number
  /** Largest change of size along each axis, as a share of it, 0 to 0.5. */
  readonly scale?: number
  /** Largest shear: shift of one axis for each step along another, 0 to 0.5. */
  readonly shear?: number
  /** Largest shift along each axis, in millimetres. */
  readonly shift?: number
  /** Standard deviation of the smooth displacement along each axis, in millimetres; up to a quarter of the wavelength. */
  readonly displacement?: number
  /** Distance between the control points of the displacement, in millimetres. Default 30. */
  readonly wavelength?: number
}

/** The two grids that a deformation joins. */
export interface DeformationGrid {
  /** Voxels of the volume that is read. */
  readonly source: SpatialShape
  /** Voxels of the volume that is made. Default: as the source. */
  readonly output?: SpatialShape
  /** Voxel sizes of the output in millimetres. Default 1. */
  readonly spacing?: SpatialShape
  /** Where an output voxel lies in the source before anything moves. Default: centre on centre, voxels of one size. */
  readonly placement?: Affine
}

/**
 * Where each voxel of an output volume comes from in a source volume: a smooth displacement in the output, followed by an
 * affine map into the source. Positions count voxels; whole numbers are the centres of voxels.
 */
export class Deformation {
  private readonly shifts: readonly [Float64Array, Float64Array, Float64Array]

  /** @param displacement along D, H, W, in voxels of the output; none without it */
  constructor(
    /** Extents of what is deformed. */
    readonly source: SpatialShape,
    /** Extents of the result. */
    readonly output: SpatialShape,
    /** The affine part, from voxels of the result to voxels of the source. */
    readonly map: Affine,
    private readonly displacement?: readonly [SplineField, SplineField, SplineField],
  ) {
    const row = (): Float64Array => new Float64Array(output[2])
    this.shifts = [row(), row(), row()]
  }

  /**
   * A random deformation about the centre of the output, each parameter uniform in its range and the displacement normal.
   *
   * @throws UserError for an option out of range
   */
  static random(random: Random, options: DeformationOptions, grid: DeformationGrid): Deformation {
    const { source, output = source, spacing = [1, 1, 1], placement = centred(source, output) } = grid
    const { displacement = 0, wavelength = 30 } = options
    requireRanges(options)
    const map = compose(placement, drawAffine(random, options, output, spacing))
    if (displacement === 0) return new Deformation(source, output, map)
    const controls = SplineGrid.spaced(output, perVoxel(wavelength, spacing))
    const [d, h, w] = perVoxel(displacement, spacing)
    return new Deformation(source, output, map, [
      splineNoise(random, controls, d),
      splineNoise(random, controls, h),
      splineNoise(random, controls, w),
    ])
  }

  /** Writes where row (d, h) of the output lies in the source, along D to `x`, along H to `y`, along W to `z`. */
  row(d: number, h: number, x: Float64Array, y: Float64Array, z: Float64Array): void {
    const [u, v, s] = this.shifts
    if (this.displacement) {
      this.displacement[0].row(d, h, u)
      this.displacement[1].row(d, h, v)
      this.displacement[2].row(d, h, s)
    }
    const [[xd, xh, xw, x0], [yd, yh, yw, y0], [zd, zh, zw, z0]] = this.map
    for (let w = 0; w < this.output[2]; w++) {
      const [p, q, r] = [d + u[w]!, h + v[w]!, w + s[w]!]
      x[w] = xd * p + xh * q + xw * r + x0
      y[w] = yd * p + yh * q + yw * r + y0
      z[w] = zd * p + zh * q + zw * r + z0
    }
  }

  /** Calls `visit` for each row of the output with its first voxel and the positions in the source, which it must not keep. */
  forEachRow(visit: (offset: number, x: Float64Array, y: Float64Array, z: Float64Array) => void): void {
    const [D, H, W] = this.output
    const [x, y, z] = [new Float64Array(W), new Float64Array(W), new Float64Array(W)]
    for (let d = 0, offset = 0; d < D; d++) {
      for (let h = 0; h < H; h++, offset += W) {
        this.row(d, h, x, y, z)
        visit(offset, x, y, z)
      }
    }
  }
}

/** Aligns the centres of two volumes with voxels of one size. */
export function centred(source: SpatialShape, output: SpatialShape): Affine {
  const shift = (axis: 0 | 1 | 2): number => (source[axis] - output[axis]) / 2
  return affine(diagonal([1, 1, 1]), [shift(0), shift(1), shift(2)])
}

function perVoxel(millimetres: number, [d, h, w]: SpatialShape): Triple {
  return [millimetres / d, millimetres / h, millimetres / w]
}

/** From output voxels to output voxels, about the centre. What is drawn moves the head; reading needs its inverse. */
function drawAffine(
  random: Random,
  { rotation: degrees = 0, scale = 0, shear = 0, shift = 0 }: DeformationOptions,
  output: SpatialShape,
  spacing: SpatialShape,
): Affine {
  const three = (limit: number): Triple => [random.within(limit), random.within(limit), random.within(limit)]
  const [a, b, c] = three(degrees)
  const turn = rotation([halfAngleTangent(a), halfAngleTangent(b), halfAngleTangent(c)])
  const size = three(scale)
  const [k, l, m] = three(shear)
  const slant: Matrix3 = [
    [1, k, l],
    [0, 1, m],
    [0, 0, 1],
  ]
  const inverse = invert(multiply(multiply(turn, slant), diagonal([1 + size[0], 1 + size[1], 1 + size[2]])))
  // Multiplying by the quotient of two sizes keeps the identity exact; multiplying and dividing one after the other
  // would not.
  const linear = matrix((r, c) => inverse[r][c] * (spacing[c] / spacing[r]))
  const [p, q, r] = three(shift)
  const [d, h, w]: Triple = [(output[0] - 1) / 2, (output[1] - 1) / 2, (output[2] - 1) / 2]
  const centre = apply(linear, [d + p / spacing[0], h + q / spacing[1], w + r / spacing[2]])
  return affine(linear, [d - centre[0], h - centre[1], w - centre[2]])
}

/** tan(angle / 2) by its series, good to 1e-4 up to 45 degrees: `Math.tan` rounds differently in different engines. */
function halfAngleTangent(degrees: number): number {
  const x = (degrees / 2) * (3.141592653589793 / 180)
  return x + (x * x * x) / 3 + (2 * x * x * x * x * x) / 15
}

function requireRanges({
  rotation = 0,
  scale = 0,
  shear = 0,
  shift = 0,
  displacement = 0,
  wavelength = 30,
}: DeformationOptions): void {
  const require = (what: string, value: number, most: number, unit: string): void => {
    if (!(value >= 0 && value <= most))
      throw new UserError(`${what} of ${value}${unit}; give 0 to ${most}${unit}`)
  }
  require('rotation', rotation, 45, ' degrees')
  require('change of scale', scale, 0.5, '')
  require('shear', shear, 0.5, '')
  require('shift', shift, 1000, ' mm')
  if (!(wavelength > 0 && wavelength < Infinity))
    throw new UserError(`wavelength of ${wavelength} mm; give a number above 0`)
  // Steeper ones would fold the volume over itself.
  require('displacement', displacement, wavelength / 4, ' mm')
}
