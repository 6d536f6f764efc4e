import { inverseOf, reorientGrid } from '../../io/orientation.js'
import type { Grid } from '../../io/volume.js'
import { priorArgmax } from '../../sae/prior/prior.js'
import { resampleImages } from '../../sae/resampling/image.js'
import { mostProbable, resamplePosterior } from '../../sae/resampling/posterior.js'
import type { RunGrids } from './match-run.js'
import { gridOfResult, takenBack } from './placement.js'
import { mapBetween } from './regrid.js'
import { sampledGrid } from './subsample.js'
import { voxelsOf } from '../../sae/shape.js'

/** A segmentation: classes [D, H, W], and class probabilities [K, D, H, W] if they are known. */
export interface PlacedResult {
  readonly classes: Uint8Array
  readonly posterior?: Float32Array | undefined
}

/** Where the results of a scan lie, and how they get there from the grid of the run. */
export interface ResultPlace {
  /** The scan's file. */
  readonly source: string
  readonly grid: Grid
  /** Whether `segmentation` needs the posterior: the scan's voxels lie between those of the run. */
  readonly interpolates: boolean
  /** A segmentation on that grid. @param posterior whether its probabilities are wanted too */
  readonly segmentation: (result: PlacedResult, posterior: boolean) => PlacedResult
  /** A smooth field [D, H, W], which continues beyond the grid of the run as it is at the edge. */
  readonly field: (data: Float32Array) => Float32Array
}

/** The place of the results of a run's scan. @param scan its number */
export function resultPlace(source: string, grids: RunGrids, scan: number): ResultPlace {
  return interpolatedPlace(source, grids, scan) ?? exactPlace(source, grids, scan)
}

/** Voxel by voxel in the order of the file; every n-th of them. */
function exactPlace(source: string, { scans, scanGrids }: RunGrids, scan: number): ResultPlace {
  const [whole, placement] = [scanGrids[scan]!, scans[scan]!]
  return {
    source,
    grid: gridOfResult(whole, placement),
    interpolates: false,
    segmentation: ({ classes, posterior }, wanted) => ({
      classes: takenBack(classes, whole, placement),
      posterior: wanted && posterior ? takenBack(posterior, whole, placement) : undefined,
    }),
    field: (data) => takenBack(data, whole, placement),
  }
}

/** On the grid of the file itself, if the run resamples and voxels of the file lie between its own. */
function interpolatedPlace(
  source: string,
  { resampled, scans, scanGrids }: RunGrids,
  scan: number,
): ResultPlace | undefined {
  const grid = scanGrids[scan]!
  const { across, orientation, every } = scans[scan]!
  if (!resampled || (!across && every === 1)) return undefined
  const run = sampledGrid(resampled, every)
  // A file whose voxels were paired with those of the run lies where these do, whatever its header rounds or keeps silent.
  const paired = orientation ? reorientGrid(resampled, inverseOf(orientation)) : resampled
  const map = mapBetween(run, across ? across.from : paired)
  return {
    source,
    grid,
    interpolates: true,
    segmentation: ({ posterior }, wanted) => {
      if (!posterior) throw new Error('a segmentation is interpolated by its posterior')
      if (!wanted) return { classes: mostProbable(posterior, run.shape, map, grid.shape) }
      const placed = resamplePosterior(posterior, run.shape, map, grid.shape)
      const size = voxelsOf(grid.shape)
      return { classes: priorArgmax(placed, placed.length / size), posterior: placed }
    },
    field: (data) => resampleImages(data, run.shape, map, grid.shape, () => 'edge'),
  }
}
