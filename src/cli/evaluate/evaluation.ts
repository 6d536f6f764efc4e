import { voxelSize, type Grid, type LabelVolume, type VolumeHeader } from '../../io/volume.js'
import { overlapOf } from '../../sae/assessment/overlap.js'
import { meanOfKnown } from '../../sae/mean.js'
import { foregroundClasses, type LabelTable } from '../../sae/labels/label-table.js'
import { regionScores, type RegionScores } from '../../sae/metrics/region-scores.js'
import { priorArgmax } from '../../sae/prior/prior.js'
import { describeShares } from '../tables/class-shares.js'
import { tableFor } from '../inputs/classes.js'
import { GridCheck } from '../grids/grid-check.js'
import { readHeaders, readPriorHeader } from '../inputs/input-headers.js'
import { readLabels } from '../inputs/inputs.js'
import {
  classesOfMap,
  tableOfMap,
  tableOfReference,
  valuesOf,
  warnOfBareClasses,
  type MapTable,
} from '../inputs/label-maps.js'
import { placed, placedClasses, type Placement } from '../grids/placement.js'
import { readPrior } from '../prior/prior-file.js'
import { allMetrics, needsSurfaces, presenceOf, type Metric } from './region-metrics.js'
import type { Terminal } from '../terminal.js'
import { voxelVolume } from '../grids/voxel-volume.js'
import { voxelsOf } from '../../sae/shape.js'

/** A segmentation and its reference. */
export interface Pair {
  /** By which tables name it. */
  readonly scan: string
  readonly segmentation: string
  readonly truth: string
}

/** A region of a segmentation, compared with that of the reference. */
export interface EvaluatedRegion {
  readonly name: string
  readonly abbreviation: string
  readonly scores: RegionScores
  /** Dice of the prior's argmax, if a prior is given and it has a score. */
  readonly prior: number | undefined
}

export interface Evaluation {
  readonly pair: Pair
  readonly regions: readonly EvaluatedRegion[]
  /** Of each metric, over the regions that have a score. */
  readonly means: Readonly<Record<Metric, number | undefined>>
  /** Mean Dice of the prior's argmax. */
  readonly priorMean: number | undefined
  /** Along D, H and W, in millimetres. */
  readonly voxel: readonly [number, number, number]
  /** Whether a map says where its voxels lie; if not, their size may be made up. */
  readonly known: boolean
}

/** What decides about an evaluation, besides the two maps. */
export interface EvaluationSettings {
  readonly prior?: string
  readonly classes?: string
  readonly matchByIndex: boolean
  /** Of files with several volumes, the one to read. */
  readonly volume?: number
  /** Bring segmentation and prior onto the grid of the reference. */
  readonly resample?: boolean
  readonly every: number
  readonly metrics: readonly Metric[]
}

/**
 * Compares a segmentation with its reference, region by region; the background and the rest class are left out.
 *
 * @throws UserError if a file cannot be read, the maps do not fit, or a table is wrong
 */
export async function evaluatePair(
  pair: Pair,
  settings: EvaluationSettings,
  terminal: Terminal,
): Promise<Evaluation> {
  const grids = await matchFiles(pair, settings, terminal)
  const described = await tableOfMap(pair.segmentation, settings.classes)
  const { table, source } = described
  const ofTruth = await tableOfReference(pair.truth, { table, source })
  const segmentation = await readLabels(pair.segmentation, terminal, settings.volume)
  const truth = await readLabels(pair.truth, terminal, settings.volume)
  const predicted = scoredMap(segmentation, grids.segmentation, described, terminal)
  const expected = scoredMap(truth, grids.truth, ofTruth, terminal)
  const prior =
    settings.prior === undefined ? undefined : await priorClasses(settings.prior, grids, table, terminal)

  const { shape } = (settings.resample ? truth : segmentation).grid
  const grid = settings.resample ? truth.grid : measured(segmentation.grid, truth, grids.truth, terminal)
  const voxel = voxelSize(grid.affine)
  const scored = foregroundClasses(table)
  const scores = regionScores(
    predicted,
    expected,
    table.classes.length,
    { shape, spacing: voxel, voxelVolume: voxelVolume(grid.affine) },
    needsSurfaces(settings.metrics) ? scored : [],
  )
  const ofPrior = prior && overlapOf(prior, expected, table)
  const regions = scored.map((c): EvaluatedRegion => {
    const { name, abbreviation } = table.classes[c]!
    return { name, abbreviation, scores: scores[c]!, prior: ofPrior?.perClass[c] }
  })
  warnOfAbsent(regions, pair, settings.metrics, terminal)
  const meanOf = (metric: Metric) => meanOfKnown(regions.map((region) => region.scores[metric]))
  const means = Object.fromEntries(allMetrics.map((metric) => [metric, meanOf(metric)]))
  const { known } = grid
  return { pair, regions, means: means as Evaluation['means'], priorMean: ofPrior?.mean, voxel, known }
}

function warnOfAbsent(
  regions: readonly EvaluatedRegion[],
  { segmentation }: Pair,
  asked: readonly Metric[],
  terminal: Terminal,
): void {
  const named = (...kinds: string[]): string =>
    regions
      .filter(({ scores }) => kinds.includes(presenceOf(scores)))
      .map(({ name }) => name)
      .join(', ')
  const neither = named('neither')
  if (neither !== '') terminal.warn(`in neither map, and so not in the mean: ${neither}`)
  const one = needsSurfaces(asked) ? named('segmentation', 'reference') : ''
  if (one !== '')
    terminal.warn(
      `${segmentation}: in one map only, and so without distances: ${one}; the mean distances leave them out, the mean Dice does not`,
    )
}

/** The grid whose voxel size counts: that of the map that says it. */
function measured(own: Grid, truth: LabelVolume, placement: Placement, terminal: Terminal): Grid {
  if (own.known) return own
  if (truth.grid.known) return placed(truth, placement).grid
  const size = voxelSize(own.affine).map((length) => Number(length.toPrecision(6)))
  terminal.note(
    `${truth.source} and its segmentation do not say where their voxels lie; distances and volumes are for voxels of ${size.join(' x ')} mm`,
  )
  return own
}

/** How the files come onto the grid of the segmentation, or of the reference if they are resampled. */
interface Grids {
  readonly segmentation: Placement
  readonly truth: Placement
  readonly prior: Placement | undefined
}

const asItIs: Placement = { orientation: undefined, every: 1, start: [0, 0, 0] }

async function matchFiles(
  pair: Pair,
  { prior: priorPath, every, matchByIndex, resample = false, volume }: EvaluationSettings,
  terminal: Terminal,
): Promise<Grids> {
  const check = new GridCheck({ matchByIndex, resample })
  const headers = await readHeaders([pair.segmentation, pair.truth], 'a label map', volume)
  const [segmentation, reference] = headers as [VolumeHeader, VolumeHeader]
  const [onto, name] = resample ? [reference, 'reference'] : [segmentation, 'segmentation']
  const match = (file: VolumeHeader, what: string, every: number): Placement =>
    file === onto ? asItIs : check.match(file, onto, what, every)
  const both = 'the segmentation and the reference'
  const grids = { segmentation: match(segmentation, both, 1), truth: match(reference, both, every) }
  let prior: Placement | undefined
  if (priorPath !== undefined) {
    const header = await readPriorHeader(priorPath)
    // It may have been thinned when it was made; the order of its axes does not matter here.
    const isThinned = voxelsOf(header.grid.shape) === voxelsOf(onto.grid.shape)
    prior = match(header, `the prior and the ${name}`, isThinned ? 1 : every)
  }
  check.conclude(terminal)
  return { ...grids, prior }
}

/** The classes of a label map on the grid of the others, after a line that says which it has. */
function scoredMap(
  map: LabelVolume,
  placement: Placement,
  described: MapTable,
  terminal: Terminal,
): Uint8Array {
  if (described.assumed && valuesOf(map, described) === 'codes') warnOfBareClasses(map, terminal)
  const { classes, voxels } = classesOfMap(map, described, terminal)
  terminal.note(`${map.source}: ${describeShares(described.table, voxels)}`)
  return placement === asItIs ? classes : placedClasses(map, classes, placement)
}

/** The most probable class of a prior. @throws UserError if it has other classes */
async function priorClasses(
  path: string,
  grids: Grids,
  table: LabelTable,
  terminal: Terminal,
): Promise<Uint8Array> {
  const { volume, table: carried } = await readPrior(path, terminal)
  await tableFor(volume.channels, path, undefined, [{ table, source: 'the label table' }, carried], terminal)
  const { data, channels } = placed(volume, grids.prior!)
  return priorArgmax(data, channels)
}
