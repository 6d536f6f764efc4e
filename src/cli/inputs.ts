import { UserError } from '../errors.js'
import { readVolume } from '../io/files.js'
import {
  formatShape,
  requireFinite,
  requireSameGrid,
  requireVaries,
  type Grid,
  type Volume,
} from '../io/volume.js'
import type { TrainingScan } from '../sae/batches.js'
import { applyScaling, scalingFor, type Intensities, type Scaling } from '../sae/intensity.js'
import { toClasses, type LabelTable } from '../sae/label-table.js'
import { requireOneChannel } from './input-headers.js'
import type { PriorFile } from './prior-file.js'
import { ReadCache } from './read-cache.js'
import { subsample } from './subsample.js'
import { Terminal } from './terminal.js'

/** A scan as the network takes it, and how its intensities were scaled. */
interface Scan extends Volume {
  readonly scaling: Scaling
}

/**
 * Reads a scan and scales its intensities to 0..1.
 *
 * @param intensities how the network wants them
 * @throws UserError if it cannot be read, has several channels, contains NaN or is constant
 */
export async function readScan(path: string, intensities: Intensities, terminal: Terminal): Promise<Scan> {
  const volume = await readOneChannel(path, 'a scan', terminal)
  requireFinite(volume)
  requireVaries(volume)
  const scaling = scalingFor(intensities, volume.data)
  const { low, high } = scaling
  if (low !== 0 || high !== 1) {
    terminal.note(`${path}: intensities from ${format(low)} to ${format(high)} scaled to 0..1`)
  }
  return { ...volume, data: applyScaling(volume.data, scaling), scaling }
}

/** Reads a label map; its values are still label codes. @throws UserError if it cannot be read or has several channels */
export async function readLabels(path: string, terminal: Terminal): Promise<Volume> {
  const labels = await readOneChannel(path, 'a label map', terminal)
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
 * @param every keep every n-th voxel along each axis
 * @param intensities how the network wants them
 * @returns the scans, their grids, how each was scaled, and the prior on their grid
 * @throws UserError if a file is not what it should be or the shapes do not match
 */
export async function readTrainingScans(
  paths: readonly string[],
  labelPaths: readonly string[] | undefined,
  prior: PriorFile,
  table: LabelTable,
  every: number,
  intensities: Intensities,
  terminal: Terminal,
  cache = new ReadCache(keptBytes),
): Promise<{ scans: TrainingScan[]; grids: Grid[]; scalings: Scaling[]; prior: Volume }> {
  requireLabelsOfEach(paths, labelPaths)
  const scaled = async (path: string) => subsample(await readScan(path, intensities, silent), every).data
  const classes = (labels: Volume) => toClasses(subsample(labels, every).data, table, labels.source)
  const scans: TrainingScan[] = []
  const grids: Grid[] = []
  const scalings: Scaling[] = []
  const misplaced: (string | undefined)[] = []
  let fitted: Volume | undefined
  for (const [i, path] of paths.entries()) {
    const whole = await readScan(path, intensities, terminal)
    scalings.push(whole.scaling)
    const scan = subsample(whole, every)
    fitted ??=
      formatShape(prior.volume.grid.shape) === formatShape(whole.grid.shape)
        ? subsample(prior.volume, every)
        : prior.volume
    misplaced.push(requireSameGrid(fitted, scan, 'the prior and the scan'))
    grids.push(scan.grid)
    cache.offer(`scan ${path}`, scan.data)
    const data = () => cache.get(`scan ${path}`, () => scaled(path))
    const labelPath = labelPaths?.[i]
    if (labelPath === undefined) {
      scans.push({ name: path, data })
      continue
    }
    const labels = await readLabels(labelPath, terminal)
    misplaced.push(requireSameGrid(labels, whole, 'the labels and the scan'))
    cache.offer(`labels ${labelPath}`, classes(labels))
    const read = async () => classes(await readLabels(labelPath, silent))
    scans.push({ name: path, data, truth: () => cache.get(`labels ${labelPath}`, read) })
  }
  terminal.warnOnce(misplaced)
  return { scans, grids, scalings, prior: fitted! }
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

async function readOneChannel(path: string, what: string, terminal: Terminal): Promise<Volume> {
  const volume = await readVolume(path)
  for (const warning of volume.warnings ?? []) terminal.warn(warning)
  requireOneChannel(volume.channels, path, what)
  return volume
}

function format(value: number): string {
  return String(Number(value.toPrecision(4)))
}
