import { UserError } from '../../errors.js'
import { PLACEMENT_TOLERANCE, placementDistance, type Grid, type Volume } from '../../io/volume.js'
import { boxShape, type Box } from '../../ops/shared/box.js'
import { voxelsOf, type SpatialShape } from '../../sae/shape.js'
import {
  affine,
  apply,
  compose,
  diagonal,
  invert,
  multiply,
  type Affine,
  type Matrix3,
  type Triple,
} from '../../sae/synth/affine.js'
import { isOutsideBrain } from '../../sae/synth/tissues.js'
import { brainBox, type Anatomy } from './synth-anatomy.js'
import { sampledGrid } from '../grids/subsample.js'

/** The grid of the scans, and where a brain is placed in it. */
export interface OutputGrid {
  /** Of the scans. */
  readonly grid: Grid
  /** The grid before `every` left out voxels. */
  readonly full: Grid
  /** The point of `full` that the middle of each brain's box falls on, in voxels. */
  readonly centre: Triple
  /** The grid of the scans is every n-th voxel of `full`. */
  readonly every: number
  /** Whether a label map that is on `full` already stays where it is. */
  readonly keepsPlace: boolean
}

/**
 * The grid of a file. Label maps on that grid stay in place; other brains are moved to the place of the file's brain.
 *
 * @throws UserError if the file is empty
 */
export function gridLike(file: Volume, every: number): OutputGrid {
  const box = brainBox(headOf(file), file.grid.shape)
  if (!box)
    throw new UserError(
      `${file.source}: --like needs a brain to place the others on, but every voxel is background`,
    )
  return {
    grid: sampledGrid(file.grid, every),
    full: file.grid,
    centre: middle(box),
    every,
    keepsPlace: true,
  }
}

/** 1 for every voxel that is not background in a prior, a label map or a skull-stripped scan. */
function headOf({ data, channels, grid }: Volume): Uint8Array {
  const voxels = voxelsOf(grid.shape)
  if (channels > 1) return Uint8Array.from(data.subarray(0, voxels), (p) => (p < 0.5 ? 1 : 0))
  return Uint8Array.from(data, (value) => (value <= 0 || isOutsideBrain(value) ? 0 : 1))
}

/**
 * A grid with the axes and voxel size of the first anatomy, centred on that brain, which keeps its world position.
 *
 * @param shape in voxels; by default large enough for all brains, with `margin` millimetres around them
 */
export function gridAround(
  anatomies: readonly Anatomy[],
  shape: SpatialShape | undefined,
  margin: number,
  every: number,
): OutputGrid {
  const { grid, box } = anatomies[0]!
  const sizes = voxelSizes(grid)
  const needed = (axis: 0 | 1 | 2): number => {
    const longest = anatomies.reduce((most, other) => Math.max(most, extent(other, grid)[axis]), 0)
    return Math.ceil(longest) + 2 * Math.ceil(margin / sizes[axis])
  }
  const [D, H, W] = shape ?? [needed(0), needed(1), needed(2)]
  const centre: Triple = [(D - 1) / 2, (H - 1) / 2, (W - 1) / 2]
  const was = middle(box)
  // The two centres coincide; half voxels are rounded, so that the voxels of the two grids do too.
  const first = was.map((position, axis) => Math.ceil(position - centre[axis]!))
  const moved = grid.affine.map((row) => [
    ...row.slice(0, 3),
    row[3]! + row[0]! * first[0]! + row[1]! * first[1]! + row[2]! * first[2]!,
  ])
  const full: Grid = { shape: [D, H, W], affine: [...moved.slice(0, 3), [0, 0, 0, 1]], known: grid.known }
  const at = (axis: 0 | 1 | 2): number => was[axis] - first[axis]!
  return { grid: sampledGrid(full, every), full, centre: [at(0), at(1), at(2)], every, keepsPlace: false }
}

/** Where a voxel of the scans lies in the cut label map, before anything moves. */
export function placementOf({ full, centre, every, keepsPlace }: OutputGrid, anatomy: Anatomy): Affine {
  const stays = keepsPlace && isSameGrid(full, anatomy.grid)
  const direction = stays ? diagonal([1, 1, 1]) : directionBetween(full, anatomy.grid)
  const from = apply(direction, stays ? [0, 0, 0] : centre)
  const to = stays ? [0, 0, 0] : middle(anatomy.box)
  const { start } = anatomy.box
  const shift = (axis: 0 | 1 | 2): number => to[axis] - start[axis] - from[axis]
  const intoBox = affine(direction, [shift(0), shift(1), shift(2)])
  return compose(intoBox, affine(diagonal([every, every, every]), [0, 0, 0]))
}

/** Whether two grids have the same shape and, if both state it, the same placement. */
function isSameGrid(a: Grid, b: Grid): boolean {
  if (a.shape.some((n, axis) => n !== b.shape[axis])) return false
  return !a.known || !b.known || placementDistance(a.affine, b.affine, a.shape) <= PLACEMENT_TOLERANCE
}

/** Voxel sizes of a grid, in millimetres. */
export function voxelSizes({ affine: [x, y, z] }: Grid): Triple {
  const size = (axis: number): number => Math.hypot(x![axis]!, y![axis]!, z![axis]!)
  return [size(0), size(1), size(2)]
}

/** One voxel along each axis of `from`, in voxels of `to`; a grid without orientation is assumed to share the other's. */
function directionBetween(from: Grid, to: Grid): Matrix3 {
  if (!from.known || !to.known) return diagonal([1, 1, 1])
  return multiply(invert(linearOf(to)), linearOf(from))
}

function linearOf({ affine: [x, y, z] }: Grid): Matrix3 {
  const row = (values: readonly number[]): Triple => [values[0]!, values[1]!, values[2]!]
  return [row(x!), row(y!), row(z!)]
}

/** How long an anatomy's box is along the axes of a grid, in its voxels. */
function extent({ box, grid: own }: Anatomy, grid: Grid): Triple {
  const direction = directionBetween(own, grid)
  const length = boxShape(box)
  const along = (axis: 0 | 1 | 2): number =>
    direction[axis].reduce((sum, step, other) => sum + Math.abs(step) * length[other]!, 0)
  return [along(0), along(1), along(2)]
}

function middle({ start, stop }: Box): Triple {
  const at = (axis: 0 | 1 | 2): number => (start[axis] + stop[axis] - 1) / 2
  return [at(0), at(1), at(2)]
}
