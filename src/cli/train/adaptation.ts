import type { RegionScores } from '../../sae/metrics/region-scores.js'
import { alignColumns } from '../tables/columns.js'
import { formatCsv } from '../tables/csv.js'
import { evaluatePair, type Evaluation } from '../evaluate/evaluation.js'
import type { MadeSegmentation } from '../segment/segmentation-files.js'
import { Terminal } from '../terminal.js'

/** A scan's segmentation before the adaptation and after it. */
export interface AdaptedScan {
  readonly scan: string
  /** By which the tables of the output folder name it. */
  readonly name: string
  /** Paths of label maps. */
  readonly before: string
  readonly after: string
  /** The reference label map, if there is one. */
  readonly labels: string | undefined
  /** What was found when they were made; undefined if they were made in an earlier run. */
  readonly madeBefore: MadeSegmentation | undefined
  readonly madeAfter: MadeSegmentation | undefined
}

/** How reference label maps are compared. */
export interface LabelOptions {
  readonly every: number
  readonly matchByIndex: boolean
  readonly resample?: boolean
  readonly volume?: number
}

/** What changed in the segmentation of a scan. */
export interface Change extends AdaptedScan {
  /** The segmentation before, with that after as its reference. */
  readonly both: Evaluation
  /** Each with the reference label map, if there is one. */
  readonly withLabels: { readonly before: Evaluation; readonly after: Evaluation } | undefined
}

/** Compares the segmentations of a scan. @throws UserError if a file cannot be read, or the labels do not fit */
export async function changeOf(adapted: AdaptedScan, options: LabelOptions): Promise<Change> {
  const { scan, before, after, labels } = adapted
  // The maps are ours, so nothing about them is news.
  const evaluate = (segmentation: string, truth: string, how: LabelOptions): Promise<Evaluation> =>
    evaluatePair({ scan, segmentation, truth }, { ...how, metrics: ['dice'] }, new Terminal('silent'))
  return {
    ...adapted,
    both: await evaluate(before, after, { every: 1, matchByIndex: options.matchByIndex }),
    withLabels:
      labels === undefined
        ? undefined
        : {
            before: await evaluate(before, labels, options),
            after: await evaluate(after, labels, options),
          },
  }
}

/** The volumes of a region before and after: in mm^3, or in voxels if the scan does not say where they lie. */
function volumesOf({ known, voxel }: Evaluation, { volume, reference }: RegionScores): [number, number] {
  if (known) return [volume, reference]
  const size = voxel[0] * voxel[1] * voxel[2]
  return [Math.round(volume / size), Math.round(reference / size)]
}

/** The change of a scan for the terminal: a line, and a row for each region. */
export function formatChange({ scan, both, withLabels, madeBefore, madeAfter }: Change): string {
  const unit = both.known ? 'ml' : 'voxels'
  const volume = (value: number): string => (both.known ? (value / 1000).toFixed(2) : String(value))
  const dice = (value: number | undefined): string => value?.toFixed(4) ?? 'absent'
  const labels = (of: (evaluation: Evaluation) => number | undefined): string[] =>
    withLabels ? [dice(of(withLabels.before)), dice(of(withLabels.after))] : []
  const headings = ['region', `${unit} before`, `${unit} after`, 'Dice of both']
  const rows = [
    [...headings, ...(withLabels ? ['Dice before', 'Dice after'] : [])],
    ...both.regions.map(({ name, scores }, i) => [
      ...[name, ...volumesOf(both, scores).map(volume), dice(scores.dice)],
      ...labels(({ regions }) => regions[i]!.scores.dice),
    ]),
    ['mean', '', '', dice(both.means.dice), ...labels(({ means }) => means.dice)],
  ]
  const verdicts = [madeBefore, madeAfter].map((made) => made?.assessment.verdict.grade ?? 'made before')
  const fit = madeAfter?.logLikelihoods
  const gain = fit ? `; log-likelihood per voxel ${fit[0]!.toFixed(4)} -> ${fit.at(-1)!.toFixed(4)}` : ''
  return [`\n${scan}: verdict ${verdicts.join(' -> ')}${gain}`, alignColumns(rows)].join('\n')
}

/** The changes of all scans as a table, a row for each region of each scan. */
export function changesCsv(changes: readonly Change[]): string {
  // As in volumes.csv, voxels have columns of their own, and columns that no scan has are left out.
  const units = [true, false].filter((known) => changes.some(({ both }) => both.known === known))
  const columns = units.flatMap((known) =>
    ['before', 'after'].map((when) => `volume_${when}_${known ? 'mm3' : 'voxels'}`),
  )
  const rows = changes.flatMap(({ scan, name, both, withLabels }) =>
    both.regions.map(({ name: region, scores }, i) => [
      ...[name, scan, region],
      ...units.flatMap((known) => (both.known === known ? volumesOf(both, scores) : [undefined, undefined])),
      scores.dice,
      ...[withLabels?.before, withLabels?.after].map((one) => one?.regions[i]!.scores.dice),
    ]),
  )
  const scores = ['dice_before_after', 'dice_before', 'dice_after']
  return formatCsv([['scan', 'file', 'region', ...columns, ...scores], ...rows])
}
