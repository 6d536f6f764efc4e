import { formatShape, type Grid, type VolumeHeader } from '../../io/volume.js'
import { followedBy } from '../../io/orientation.js'
import { channelFiles, channelsOfScans } from '../inputs/channel-files.js'
import { GridCheck, type GridOptions } from './grid-check.js'
import { readHeaders, readPriorHeader } from '../inputs/input-headers.js'
import { requireNoSegmentation } from '../inputs/label-maps.js'
import type { Placement } from './placement.js'
import type { Terminal } from '../terminal.js'

/** How the files of a run come onto the grid that it works on: the prior's, or every n-th voxel of it. */
export interface RunGrids {
  /** Keep every n-th voxel of the prior; 1 if it is on that grid already. */
  readonly priorEvery: number
  /** Of the first file of each scan. */
  readonly scans: readonly Placement[]
  /** Of every file of each scan, one for each channel; the first is that in `scans`. */
  readonly channels: readonly (readonly Placement[])[]
  /** The grid of the first file of each scan, on which its results lie. */
  readonly scanGrids: readonly Grid[]
  /** If files may be resampled: the grid that they come onto before every n-th voxel of it is kept, the prior's. */
  readonly resampled: Grid | undefined
  /** Of each label map, if there are any: those of the first scans. */
  readonly labels: readonly Placement[] | undefined
  /** Of scans and label maps with several volumes, the one that is read. */
  readonly volume: number | undefined
}

/**
 * Compares the grids of a run's files by their headers, before any voxel is read.
 *
 * @param files scans all have the same number of channels; label maps, if there are any, are those of the first
 *   scans; `volume` is the one to read of files with several
 * @param every work on every n-th voxel of the scans along each axis, and of a prior that has their full size; of the
 *   prior in any case if files may be resampled onto its grid
 * @throws UserError if a file cannot be read, has channels where it should have none, lies elsewhere, or is given as a
 *   scan but is a segmentation that sae wrote
 */
export async function matchRun(
  files: {
    readonly prior: string
    readonly scans: readonly string[]
    readonly labels?: readonly string[] | undefined
    readonly volume?: number | undefined
  },
  every: number,
  options: GridOptions,
  terminal: Terminal,
): Promise<RunGrids> {
  const prior = await readPriorHeader(files.prior)
  channelsOfScans(files.scans)
  const headers: VolumeHeader[][] = []
  for (const scan of files.scans) headers.push(await readHeaders(channelFiles(scan), 'a scan', files.volume))
  for (const header of headers.flat()) await requireNoSegmentation(header)
  const scans = headers.map(([first]) => first!)
  const labels = files.labels && (await readHeaders(files.labels, 'a label map', files.volume))
  const check = new GridCheck(options)
  let priorEvery: number | undefined
  const place = (scan: VolumeHeader): Placement => {
    // Of the first scan, whose size decides whether the prior has it.
    priorEvery ??= options.resample || sameExtents(scan.grid, prior.grid) ? every : 1
    if (priorEvery === 1) return check.match(scan, prior, 'the prior and the scan', every)
    return { ...check.match(scan, prior, 'the prior and the scan'), every }
  }
  const channels = headers.map((files) => files.map(place))
  const placements = channels.map(([first]) => first!)
  const ofLabels = labels?.map((map, i): Placement => {
    // By its own header; one that says nothing has the voxels of the scan.
    if (options.resample && map.grid.known)
      return { ...check.match(map, prior, 'the prior and the labels'), every: placements[i]!.every }
    const onScan = check.match(map, scans[i]!, 'the labels and the scan')
    return { ...placements[i]!, orientation: both(onScan, placements[i]!) }
  })
  check.conclude(terminal)
  return {
    priorEvery: priorEvery ?? 1,
    scans: placements,
    channels,
    scanGrids: scans.map(({ grid }) => grid),
    resampled: options.resample ? prior.grid : undefined,
    labels: ofLabels,
    volume: files.volume,
  }
}

function both(
  { orientation: first }: Placement,
  { orientation: second }: Placement,
): Placement['orientation'] {
  return first && second ? followedBy(first, second) : (first ?? second)
}

/** Whether two grids have the same numbers of voxels, in whatever order. */
function sameExtents(a: Grid, b: Grid): boolean {
  const sorted = ({ shape }: Grid): string => formatShape(shape.toSorted((x, y) => x - y))
  return sorted(a) === sorted(b)
}
