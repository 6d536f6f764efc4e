import { alignColumns } from './tables/columns.js'
import { formatCsv } from './tables/csv.js'
import { evaluatePair, type Evaluation } from './evaluate/evaluation.js'
import type { MadeSegmentation } from './segmentation-files.js'
import { Terminal } from './terminal.js'

/** A scan's segmentation before the adaptation and after it. */
export interface AdaptedScan {
  readonly scan: string
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

/** The change of a scan for the terminal: a line, and a row for each region. */
export function formatChange({ scan, both, withLabels, madeBefore, madeAfter }: Change): string {
  const ml = (volume: number): string => (volume / 1000).toFixed(2)
  const dice = (value: number | undefined): string => value?.toFixed(4) ?? 'absent'
  const labels = (of: (evaluation: Evaluation) => number | undefined): string[] =>
    withLabels ? [dice(of(withLabels.before)), dice(of(withLabels.after))] : []
  const headings = ['region', 'ml before', 'ml after', 'Dice of both']
  const rows = [
    [...headings, ...(withLabels ? ['Dice before', 'Dice after'] : [])],
    ...both.regions.map(({ name, scores }, i) => [
      ...[name, ml(scores.volume), ml(scores.reference), dice(scores.dice)],
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
  const columns = ['scan', 'region', 'volume_before_mm3', 'volume_after_mm3', 'dice_before_after']
  const rows = changes.flatMap(({ scan, both, withLabels }) =>
    both.regions.map(({ name, scores }, i) => [
      ...[scan, name, scores.volume, scores.reference, scores.dice],
      ...[withLabels?.before, withLabels?.after].map((one) => one?.regions[i]!.scores.dice),
    ]),
  )
  return formatCsv([[...columns, 'dice_before', 'dice_after'], ...rows])
}
