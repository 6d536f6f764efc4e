import { isFreeSurferPair } from './freesurfer-table.js'
import { requireClasses } from './label-codes.js'
import type { LabelClass, LabelTable } from './label-table.js'
import type { SpatialShape } from '../shape.js'

/** The codes of a class's left and right side; undefined if it has no sides, or one code for both. */
export function sidesOf({ codes, sides }: LabelClass): readonly [left: number, right: number] | undefined {
  if (sides) return sides
  const [left, right, ...more] = codes
  if (left === undefined || right === undefined || more.length > 0) return undefined
  return isFreeSurferPair(left, right) ? [left, right] : undefined
}

/** Label values that tell the sides apart, and the plane between them. */
export interface SidedCodes {
  /** Label values, [D, H, W]. */
  readonly codes: Float64Array
  /** Left is where the world's x (millimetres, to the right) is below this. */
  readonly x: number
  /** Share of the foreground voxels that lie left of x = 0. */
  readonly left: number
}

/** If less of the brain than this lies on one side of x = 0, that is not the plane between its halves. */
const leastHalf = 0.45

/**
 * Classes -> label values, of classes with two sides the code of the side: left where x < 0, right elsewhere. If x = 0
 * does not halve the foreground, as in a scan whose origin is not in the middle of the brain, the plane through the centre
 * of the foreground divides the sides instead.
 *
 * @param classes [D, H, W]
 * @param affine 4x4, `[d, h, w, 1]` to world millimetres, x to the right, as NIfTI has it
 * @throws UserError for a class that the table lacks
 */
export function toSidedCodes(
  classes: Uint8Array,
  table: LabelTable,
  shape: SpatialShape,
  affine: readonly (readonly number[])[],
): SidedCodes {
  requireClasses(classes, table)
  let [count, left, sum] = [0, 0, 0]
  forEachX(shape, affine, (i, x) => {
    if (classes[i] === 0) return
    count++
    if (x < 0) left++
    sum += x
  })
  const share = count === 0 ? 0.5 : left / count
  const plane = Math.min(share, 1 - share) >= leastHalf ? 0 : sum / count
  const [lefts, rights] = [0, 1].map((side) =>
    Float64Array.from(
      table.classes,
      (entry) => (sidesOf(entry) ?? [entry.codes[0]!, entry.codes[0]!])[side]!,
    ),
  ) as [Float64Array, Float64Array]
  const codes = new Float64Array(classes.length)
  forEachX(shape, affine, (i, x) => {
    codes[i] = (x < plane ? lefts : rights)[classes[i]!]!
  })
  return { codes, x: plane, left: share }
}

/** The world's x of each voxel; what is within rounding of 0 is 0. */
function forEachX(
  [D, H, W]: SpatialShape,
  [row]: readonly (readonly number[])[],
  visit: (i: number, x: number) => void,
): void {
  const [a, b, c, origin] = row as [number, number, number, number]
  for (let d = 0, i = 0; d < D; d++) {
    for (let h = 0; h < H; h++) {
      for (let w = 0; w < W; w++, i++) {
        const x = a * d + b * h + c * w + origin
        visit(i, Math.abs(x) < rounding ? 0 : x)
      }
    }
  }
}

/** Affines are kept as 32-bit numbers. */
const rounding = 1e-4
