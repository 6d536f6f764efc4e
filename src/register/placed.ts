import type { SpatialShape } from '../sae/shape.js'
import {
  affine,
  apply,
  compose,
  diagonal,
  invert,
  linearPart,
  type Affine,
  type Triple,
} from '../sae/synth/affine.js'

/** Voxels and where they lie. */
export interface PlacedShape {
  /** Voxels along D, H, W. */
  readonly shape: SpatialShape
  /** From voxels to the world, in millimetres. */
  readonly toWorld: Affine
}

/** Sizes of a voxel along D, H, W, in millimetres. */
export function spacingOf({ toWorld: [x, y, z] }: PlacedShape): Triple {
  const along = (axis: 0 | 1 | 2): number => Math.hypot(x[axis], y[axis], z[axis])
  return [along(0), along(1), along(2)]
}

/** The map that takes back what another does; its linear part must be invertible. */
export function inverse(map: Affine): Affine {
  const linear = invert(linearPart(map))
  const [x, y, z] = apply(linear, [map[0][3], map[1][3], map[2][3]])
  return affine(linear, [-x, -y, -z])
}

/** Where a map takes a point. */
export function mapPoint(map: Affine, point: Triple): Triple {
  const [x, y, z] = apply(linearPart(map), point)
  return [x + map[0][3], y + map[1][3], z + map[2][3]]
}

/** The voxels of a grid from `start` up to, not including, `stop`. */
export function croppedGrid({ toWorld }: PlacedShape, start: SpatialShape, stop: SpatialShape): PlacedShape {
  return {
    shape: [stop[0] - start[0], stop[1] - start[1], stop[2] - start[2]],
    toWorld: compose(toWorld, affine(diagonal([1, 1, 1]), start)),
  }
}

/** A grid of voxels of about `millimetres`, every n-th of the grid's own; the grid itself if they are that large already. */
export function thinnedGrid(placed: PlacedShape, millimetres: number): PlacedShape {
  const steps = stepsOf(placed, millimetres)
  const kept = (axis: 0 | 1 | 2): number => Math.ceil(placed.shape[axis] / steps[axis])
  // Each voxel that is kept lies in the middle of those that it replaces.
  const first = (axis: 0 | 1 | 2): number =>
    Math.floor((placed.shape[axis] - 1 - (kept(axis) - 1) * steps[axis]) / 2)
  const thinner = affine(diagonal(steps), [first(0), first(1), first(2)])
  return { shape: [kept(0), kept(1), kept(2)], toWorld: compose(placed.toWorld, thinner) }
}

/** How many voxels along each axis make up about `millimetres`, at least 1. */
export function stepsOf(placed: PlacedShape, millimetres: number): SpatialShape {
  const [d, h, w] = spacingOf(placed)
  const steps = (size: number): number => Math.max(Math.round(millimetres / size), 1)
  return [steps(d), steps(h), steps(w)]
}
