import { UserError } from '../../errors.js'
import { affine, apply, invert, linearPart, matrix, multiply, type Affine } from '../synth/affine.js'
import type { SpatialShape } from '../shape.js'

/** Rows of a 4x4 matrix that takes voxels to millimetres of the world, as headers state it. */
export type Placement4 = readonly (readonly number[])[]

/** Positions that are this near a whole number, in voxels, are meant to be it: headers keep seven digits. */
const wholeWithin = 1e-3

/** How far the centre of the first and of the last voxel the field of view ends, in voxels; half a voxel and rounding. */
const reach = 0.5 + 1e-3

/**
 * Where the voxels of one grid lie in another: voxel v of `to` lies at `map v` of `from`, counted between the centres of
 * voxels. Entries that are whole numbers but for the rounding of headers are whole, so that grids that differ by whole
 * voxels and the order of their axes are mapped exactly.
 *
 * @param shape extents of `to`
 * @throws UserError if voxels of `from` fall into one plane, so that its matrix has no inverse
 */
export function voxelMap(from: Placement4, to: Placement4, shape: SpatialShape): Affine {
  const inverse = invert(linear(from))
  const steps = multiply(inverse, linear(to))
  const apart = (row: number): number => to[row]![3]! - from[row]![3]!
  const map = affine(steps, apply(inverse, [apart(0), apart(1), apart(2)]))
  if (!map.flat().every(Number.isFinite))
    throw new UserError('the affine of a grid has no inverse, so nothing can be resampled from it')
  return rounded(map, shape)
}

const linear = (placement: Placement4) => matrix((row, column) => placement[row]![column]!)

function rounded(map: Affine, shape: SpatialShape): Affine {
  const row = (r: 0 | 1 | 2): Affine[0] => {
    const near = (value: number, extent: number): number => {
      const whole = Math.round(value)
      // Adding 0 turns -0 into 0.
      return Math.abs(value - whole) * Math.max(extent, 1) <= wholeWithin ? whole + 0 : value
    }
    const steps = [0, 1, 2].map((axis) => near(map[r][axis]!, shape[axis]! - 1))
    const start = steps.every(Number.isInteger) ? near(map[r][3], 1) : map[r][3]
    return [steps[0]!, steps[1]!, steps[2]!, start]
  }
  return [row(0), row(1), row(2)]
}

/** Whether a voxel's place is within the field of view along an axis of n voxels. */
export function isWithin(position: number, n: number): boolean {
  return position >= -reach && position <= n - 1 + reach
}

/** Steps wider than this many voxels are smoothed over. */
const widest = 1.5
/** Width at half height of a Gaussian of standard deviation 1. */
const fullWidth = 2 * Math.sqrt(2 * Math.log(2))

/**
 * The standard deviation, in voxels of the input along D, H, W, of the Gaussian that the input is smoothed with before it
 * is read at the steps of a map; 0 along axes whose steps are at most 1.5 voxels.
 *
 * A voxel is taken for a Gaussian whose width at half height is its size. Widening it from 1 to s voxels then takes
 * sqrt(s^2 - 1) / 2.355. Along an oblique axis, s is the length of the map's row: the spread along the input's axis of a
 * voxel of the output.
 */
export function smoothingFor(map: Affine): SpatialShape {
  const sigma = (axis: 0 | 1 | 2): number => {
    const [a, b, c] = linearPart(map)[axis]
    const step = Math.hypot(a, b, c)
    return step > widest ? Math.sqrt(step * step - 1) / fullWidth : 0
  }
  return [sigma(0), sigma(1), sigma(2)]
}

/** Whether the centre of any voxel of a grid of that shape lies in the field of view that the map leads to. */
export function reaches(map: Affine, shape: SpatialShape, into: SpatialShape): boolean {
  for (let d = 0; d < shape[0]; d++) {
    for (let h = 0; h < shape[1]; h++) {
      for (let w = 0; w < shape[2]; w++) {
        const inside = (axis: 0 | 1 | 2): boolean => {
          const [a, b, c, t] = map[axis]
          return isWithin(a * d + b * h + c * w + t, into[axis])
        }
        if (inside(0) && inside(1) && inside(2)) return true
      }
    }
  }
  return false
}
