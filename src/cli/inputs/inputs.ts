import { UserError } from '../../errors.js'
import { readLabelVolume, readVolume } from '../../io/files.js'
import {
  requireFinite,
  requireVaries,
  type LabelVolume,
  type Volume,
  type VolumeHeader,
} from '../../io/volume.js'
import type { TrainingScan } from '../../sae/training/batches.js'
import { joinChannels } from '../../sae/channels.js'
import { applyScaling, scalingFor, type Intensities, type Scaling } from '../../sae/intensity.js'
import type { LabelTable } from '../../sae/labels/label-table.js'
import { channelFiles } from './channel-files.js'
import { requireOneChannel, type VolumeChoice } from './input-headers.js'
import { classesOfMap, tableOfReference } from './label-maps.js'
import type { RunGrids } from '../grids/match-run.js'
import { placed, placedClasses, type Placement } from '../grids/placement.js'
import type { PriorFile } from '../prior/prior-file.js'
import { ReadCache } from './read-cache.js'
import { subsample } from '../grids/subsample.js'
import { Terminal } from '../terminal.js'

/** A file of a scan as the network takes it, and how its intensities were scaled. */
interface Scan extends Volume {
  readonly scaling: Scaling
}

/** How the scans of a run are read. */
interface ScanReading {
  /** How the network wants the intensities. */
  readonly intensities: Intensities
  /** Of a file with several volumes, the one to read. */
  readonly volume: number | undefined
}

/**
 * Reads a scan onto the grid of a run: the only place where the files of its channels become one scan. Each channel is
 * scaled on its own.
 *
 * @param placements of its files, by `matchRun`
 * @returns intensities in 0..1, [C, D, H, W]
 * @throws UserError as `readScan`, or if all voxels on the grid of the run are equal
 */
export async function readChannels(
  scan: string,
  placements: readonly Placement[],
  { intensities, volume }: ScanReading,
  terminal: Terminal,
): Promise<Float32Array> {
  const channels: Float32Array[] = []
  for (const [c, file] of channelFiles(scan).entries()) {
    const onGrid = placed(await readScan(file, intensities, terminal, volume), placements[c]!)
    requireVariesOnGrid(onGrid)
    channels.push(onGrid.data)
  }
  return joinChannels(channels)
}

/** @throws UserError if nothing is left of a scan on the grid of the run */
function requireVariesOnGrid({ data, grid, source }: Scan): void {
  if (data.some((value) => value !== data[0])) return
  throw new UserError(
    `${source}: all of the ${grid.shape.join('x')} voxels that the run keeps are equal; give a smaller --every, or a prior that covers the scan`,
  )
}

/** Reads every file of a scan, to see that it can be used. @throws UserError as `readScan` */
export async function tryScan(
  scan: string,
  { intensities, volume }: ScanReading,
  terminal: Terminal,
): Promise<void> {
  for (const file of channelFiles(scan)) await readScan(file, intensities, terminal, volume)
}

/**
 * Reads a file of a scan and scales its intensities to 0..1.
 *
 * @param intensities how the network wants them
 * @param volume of a file with several, the one to read
 * @param choice how it could be chosen, for the message if it was not
 * @throws UserError if it cannot be read, has several volumes and none is chosen, contains NaN, is constant or a mask
 */
export async function readScan(
  path: string,
  intensities: Intensities,
  terminal: Terminal,
  volume?: number,
  choice?: VolumeChoice,
): Promise<Scan> {
  const scan = await readVolume(path, { volume })
  warnAndRequireOneChannel(scan, 'a scan', terminal, choice)
  requireFinite(scan)
  requireVaries(scan)
  requireNoMask(scan)
  const scaling = scalingFor(intensities, scan.data)
  const { low, high } = scaling
  if (low !== 0 || high !== 1) {
    terminal.note(`${path}: intensities from ${format(low)} to ${format(high)} scaled to 0..1`)
  }
  return { ...scan, data: applyScaling(scan.data, scaling), scaling }
}

/** @throws UserError if a volume that varies has two values only: nothing can be told apart in it but inside and outside */
export function requireNoMask({ data, source }: Volume): void {
  const first = data[0]!
  const second = data.find((value) => value !== first)!
  if (data.some((value) => value !== first && value !== second)) return
  const [low, high] = [Math.min(first, second), Math.max(first, second)]
  throw new UserError(
    `${source}: every voxel is ${low} or ${high}; this is a mask, not a scan: leave it out, or give the scan that it belongs to`,
  )
}

/**
 * Reads a label map; its values are still label codes.
 *
 * @param volume of a file with several, the one to read
 * @throws UserError if it cannot be read, or has several volumes and none is chosen
 */
export async function readLabels(path: string, terminal: Terminal, volume?: number): Promise<LabelVolume> {
  const labels = await readLabelVolume(path, { volume })
  warnAndRequireOneChannel(labels, 'a label map', terminal)
  requireFinite(labels)
  return labels
}

/** Bytes of decoded scans and labels kept in memory; beyond that, files are read again when their turn comes. */
const keptBytes = 2e9

/** Notes and warnings are printed when a file is first read. */
const silent = new Terminal('silent')

/**
 * Checks scans, and their label maps if given, for training with a prior. As many as fit into a few gigabytes stay in
 * memory; the others are read again whenever their turn comes.
 *
 * @param grids how each file comes onto the grid of the run, by `matchRun`
 * @param intensities how the network wants them
 * @returns the scans and the prior, on the grid of the run
 * @throws UserError if a file is not what it should be
 */
export async function readTrainingScans(
  paths: readonly string[],
  labelPaths: readonly string[] | undefined,
  prior: PriorFile,
  table: LabelTable,
  grids: RunGrids,
  intensities: Intensities,
  terminal: Terminal,
  cache = new ReadCache(keptBytes),
): Promise<{ scans: TrainingScan[]; prior: Volume }> {
  const scans: TrainingScan[] = []
  const reading = { intensities, volume: grids.volume }
  for (const [i, path] of paths.entries()) {
    const read = (to: Terminal) => readChannels(path, grids.channels[i]!, reading, to)
    cache.offer(`scan ${path}`, await read(terminal))
    const data = () => cache.get(`scan ${path}`, () => read(silent))
    const labelPath = labelPaths?.[i]
    if (labelPath === undefined) {
      scans.push({ name: path, data })
      continue
    }
    const described = await tableOfReference(labelPath, { table, source: 'the table of the prior' })
    const readClasses = async (to: Terminal) => {
      const labels = await readLabels(labelPath, to, grids.volume)
      return placedClasses(labels, classesOfMap(labels, described, to).classes, grids.labels![i]!)
    }
    cache.offer(`labels ${labelPath}`, await readClasses(terminal))
    const truth = () => cache.get(`labels ${labelPath}`, () => readClasses(silent))
    scans.push({ name: path, data, truth })
  }
  return { scans, prior: subsample(prior.volume, grids.priorEvery) }
}

/** Requires a label map for each scan, if there are any. @throws UserError */
export function requireLabelsOfEach(
  paths: readonly string[],
  labelPaths: readonly string[] | undefined,
): void {
  if (!labelPaths || labelPaths.length === paths.length) return
  throw new UserError(
    `${labelPaths.length} label maps for ${paths.length} scans; give --labels one per scan, in the same order`,
  )
}

function warnAndRequireOneChannel(
  volume: VolumeHeader,
  what: string,
  terminal: Terminal,
  choice?: VolumeChoice,
): void {
  for (const warning of volume.warnings ?? []) terminal.warn(warning)
  requireOneChannel(volume, what, choice)
}

function format(value: number): string {
  return String(Number(value.toPrecision(4)))
}
