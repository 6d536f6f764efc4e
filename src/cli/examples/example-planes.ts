import { describeAxes } from '../../io/orientation.js'
import { voxelSize, type Grid } from '../../io/volume.js'
import { centreOf, windowOf } from '../../report/overlay.js'
import { axisAcross, type SliceGrid } from '../../report/slices.js'
import type { RunGrids } from '../grids/match-run.js'
import { gridOfResult } from '../grids/placement.js'
import type { ExamplePlane } from './example-file.js'

/** The grid that a run works on, by what the prior says, or else the scan, whose axes the run keeps then. */
export function gridOfRun(prior: Grid, { scanGrids, scans }: RunGrids, scan: number): Grid {
  return prior.known ? prior : gridOfResult(scanGrids[scan]!, scans[scan]!)
}

/**
 * Three planes through the middle of what is bright in a scan: they depend on the scan alone, not on how it is segmented.
 *
 * @param scan [D, H, W] of the grid, in 0..1
 */
export function examplePlanes(scan: Float32Array, placed: Grid): ExamplePlane[] {
  const grid = { shape: placed.shape, spacing: spacingOf(placed), orientation: describeAxes(placed) }
  const [black, white] = windowOf(scan)
  const threshold = black + (white - black) / 10
  const bright = Uint8Array.from(scan, (value) => (value > threshold ? 1 : 0))
  const centre = centreOf({ grid, scan, labels: bright, palette: [undefined, [255, 255, 255]] })
  const grey = (value: number): number =>
    Math.round(255 * Math.min(Math.max((value - black) / (white - black), 0), 1))
  return (['axial', 'coronal', 'sagittal'] as const).map((plane) => {
    const axis = axisAcross(grid, plane)
    const depth = centre[axis]
    const thin = grid.shape.with(axis, 1) as [number, number, number]
    const slice = planeOf(scan, grid.shape, axis, depth)
    return { plane, depth, grid: { ...grid, shape: thin }, scan: Uint8Array.from(slice, grey) }
  })
}

function spacingOf({ affine }: Grid): SliceGrid['spacing'] {
  const [d, h, w] = voxelSize(affine)
  return [d, h, w]
}

/** One plane of a volume, its voxels in the order of the array. */
export function planeOf<T extends Float32Array | Uint8Array>(
  volume: T,
  shape: readonly [number, number, number],
  axis: 0 | 1 | 2,
  depth: number,
): T {
  const run = shape.slice(axis + 1).reduce((product, extent) => product * extent, 1)
  const extent = shape[axis]
  const plane = volume.slice(0, volume.length / extent) as T
  for (let from = depth * run, at = 0; at < plane.length; from += extent * run, at += run)
    plane.set(volume.subarray(from, from + run), at)
  return plane
}
