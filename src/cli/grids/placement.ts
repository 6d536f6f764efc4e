import {
  inverseOf,
  isAsItIs,
  orientationOnto,
  reorient,
  reorientGrid,
  type Orientation,
} from '../../io/orientation.js'
import type { Grid, LabelVolume, Volume } from '../../io/volume.js'
import { sampledShape } from '../../sae/separable-filter.js'
import type { SpatialShape } from '../../sae/shape.js'
import { invert, type Triple } from '../../sae/synth/affine.js'
import { regrid } from './regrid.js'
import { sampledGrid, subsample } from './subsample.js'

/** How the voxels of a file come onto the grid that a run works on. */
export interface Placement {
  /** Undefined if its axes stay as they are. */
  readonly orientation: Orientation | undefined
  /** Set if its voxels are interpolated: from the grid that they lie on to that of which every n-th voxel is kept. */
  readonly across?: { readonly from: Grid; readonly onto: Grid }
  /** Then every n-th voxel is kept, ... */
  readonly every: number
  /** ... beginning with this one. */
  readonly start: SpatialShape
}

/** A file's axes as those of another, where that takes any change. */
export function turnOnto(grid: Grid, reference: Grid): Orientation | undefined {
  const orientation = orientationOnto(grid, reference)
  return isAsItIs(orientation) ? undefined : orientation
}

/** A volume as the run works on it. */
export function placed<V extends Volume | LabelVolume>(
  volume: V,
  { orientation, across, every, start }: Placement,
): V {
  if (across) return subsample(regrid({ ...volume, grid: across.from }, across.onto), every, start)
  if (!orientation) return subsample(volume, every, start)
  const turned = {
    ...volume,
    data: reorient(volume.data, volume.grid.shape, orientation),
    grid: reorientGrid(volume.grid, orientation),
  }
  return subsample(turned, every, start)
}

/** The classes of a label map, likewise: they vote, not the codes, of which a class may have several. */
export function placedClasses(map: LabelVolume, classes: Uint8Array, placement: Placement): Uint8Array {
  return Uint8Array.from(placed({ ...map, data: Float64Array.from(classes) }, placement).data)
}

/** The grid of what a run makes of a file, its axes as those of the file again. */
export function gridOfResult(whole: Grid, { orientation, every, start }: Placement): Grid {
  if (every === 1) return whole
  if (!orientation) return sampledGrid(whole, every, start)
  const { axes, flips } = inverseOf(orientation)
  const first = (axis: 0 | 1 | 2): number => {
    const begin = start[axes[axis]]!
    if (!flips[axis]) return begin
    // The last voxel that is kept becomes the first.
    return (whole.shape[axis] - 1 - begin) % every
  }
  return sampledGrid(whole, every, [first(0), first(1), first(2)])
}

/** What a run made on its grid, in the order of the file again. @param data [C, D, H, W] of that shape */
export function takenBack<T extends Float32Array | Uint8Array>(
  data: T,
  whole: Grid,
  { orientation, every, start }: Placement,
): T {
  if (!orientation) return data
  const turned = reorientGrid(whole, orientation).shape
  const shape = sampledShape([turned[0] - start[0], turned[1] - start[1], turned[2] - start[2]], every)
  return reorient(data, [...shape], inverseOf(orientation))
}

/** The voxel of a grid that lies where the first voxel of a thinner one does, if it is one of the first n. */
export function startOf(grid: Grid, thinned: Grid, every: number): SpatialShape {
  const row = (i: number): Triple => [grid.affine[i]![0]!, grid.affine[i]![1]!, grid.affine[i]![2]!]
  const inverse = invert([row(0), row(1), row(2)])
  const apart = [0, 1, 2].map((i) => thinned.affine[i]![3]! - grid.affine[i]![3]!)
  const at = (axis: 0 | 1 | 2): number => {
    const voxel = Math.round(inverse[axis].reduce((sum, value, i) => sum + value * apart[i]!, 0))
    return voxel > 0 && voxel < every ? voxel : 0
  }
  return [at(0), at(1), at(2)]
}
