import { alignColumns } from '../tables/columns.js'
import { formatCsv } from '../tables/csv.js'
import type { EvaluatedRegion, Evaluation } from './evaluation.js'
import { allMetrics, metrics, presenceOf, type Metric } from './region-metrics.js'
import { mean } from '../../sae/mean.js'
import { deviation, median } from '../tables/statistics.js'

/** A score, or why there is none. */
function formatScore(score: number | undefined, metric: Metric, missing: string): string {
  return score?.toFixed(metrics[metric].digits) ?? missing
}

/** The scores of one scan: a row per region, then their means. */
export function formatScan({ regions, means, priorMean }: Evaluation, asked: readonly Metric[]): string {
  const withPrior = priorMean !== undefined
  const counted = regions.filter(({ scores }) => scores.dice !== undefined).length
  const row = (of: (metric: Metric) => number | undefined, prior: number | undefined, missing: string) =>
    columnsOf(asked, withPrior).map((column) =>
      column === 'prior' ? formatScore(prior, 'dice', missing) : formatScore(of(column), column, missing),
    )
  const titles = columnsOf(asked, withPrior).map((column) =>
    column === 'prior' ? `${metrics.dice.title} of prior` : metrics[column].title,
  )
  return alignColumns([
    ['region', ...titles],
    ...regions.map(({ name, scores, prior }) => [
      name,
      ...row((metric) => scores[metric], prior, presenceOf(scores) === 'neither' ? 'absent' : '-'),
    ]),
    [`mean of ${counted} regions`, ...row((metric) => means[metric], priorMean, 'absent')],
  ])
}

/** The prior's Dice stands beside that of the segmentation. */
function columnsOf(asked: readonly Metric[], withPrior: boolean): (Metric | 'prior')[] {
  const columns = asked.flatMap((metric): (Metric | 'prior')[] =>
    metric === 'dice' && withPrior ? ['dice', 'prior'] : [metric],
  )
  return withPrior && !columns.includes('prior') ? [...columns, 'prior'] : columns
}

/** A row per scan with the means over its regions; then a row per region with its statistics over the scans. */
export function formatGroup(all: readonly Evaluation[], asked: readonly Metric[]): string {
  const titles = asked.map((metric) => metrics[metric].title)
  const scans = all.map(({ pair, means }) => [
    pair.scan,
    ...asked.map((metric) => formatScore(means[metric], metric, '-')),
  ])
  const regions = summarise(all).map(({ name, n, of }) => [
    name,
    String(n),
    ...asked.map((metric) => formatSpread(of[metric], metric)),
  ])
  return [
    alignColumns([['scan (mean of regions)', ...titles], ...scans]),
    '',
    alignColumns([['region: mean +- sd (median, worst)', 'n', ...titles], ...regions]),
  ].join('\n')
}

/** `0.8123 +- 0.0312 (0.8201, 0.7544)` */
function formatSpread({ mean, sd, median, min, max, n }: Spread, metric: Metric): string {
  if (n === 0) return '-'
  const { digits, better } = metrics[metric]
  const format = (value: number): string => value.toFixed(digits)
  const worst = better === 'higher' ? min : max
  return `${format(mean)} +- ${n === 1 ? '-' : format(sd)} (${format(median)}, ${format(worst)})`
}

/** Statistics of one metric over the scans that have it. */
interface Spread {
  readonly mean: number
  /** Sample standard deviation; NaN for one scan. */
  readonly sd: number
  readonly median: number
  /** NaN for no scan. */
  readonly min: number
  readonly max: number
  readonly n: number
}

interface RegionSummary {
  readonly name: string
  /** Scans of which at least one map has the region. */
  readonly n: number
  readonly of: Readonly<Record<Metric, Spread>>
}

/** Each region over all scans, and last the mean of regions, each scan counting once. */
function summarise(all: readonly Evaluation[]): RegionSummary[] {
  const names = [...new Set(all.flatMap(({ regions }) => regions.map(({ name }) => name)))]
  const spreads = (values: (metric: Metric) => (number | undefined)[]) =>
    Object.fromEntries(
      allMetrics.map((metric) => [metric, spreadOf(values(metric).filter((value) => value !== undefined))]),
    ) as RegionSummary['of']
  const regions = names.map((name): RegionSummary => {
    const each = all.flatMap(({ regions }) => regions.find((region) => region.name === name) ?? [])
    const of = spreads((metric) => each.map(({ scores }) => scores[metric]))
    return { name, n: of.dice.n, of }
  })
  const of = spreads((metric) => all.map(({ means }) => means[metric]))
  return [...regions, { name: 'mean of regions', n: of.dice.n, of }]
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const [min, max] = [sorted[0] ?? NaN, sorted.at(-1) ?? NaN]
  return { mean: mean(values), sd: deviation(values), median: median(values), min, max, n: values.length }
}

/** A row per region with its statistics over the scans, and last the mean of regions; empty where there is no value. */
export function formatGroupTable(all: readonly Evaluation[]): string {
  const statistics = ['mean', 'sd', 'median', 'min', 'max'] as const
  const columns = allMetrics.flatMap((metric) => {
    const { column } = metrics[metric]
    return [`${column}_n`, ...statistics.map((name) => `${column}_${name}`)]
  })
  const rows = summarise(all).map(({ name, n, of }) => [
    ...[name, n],
    ...allMetrics.flatMap((metric) => [
      of[metric].n,
      ...statistics.map((statistic) => {
        const value = of[metric][statistic]
        return Number.isNaN(value) ? undefined : value
      }),
    ]),
  ])
  return formatCsv([['region', 'n', ...columns], ...rows])
}

/** Columns of the CSV before those of the metrics. */
const keyColumns = ['scan', 'region', 'abbreviation', 'present'] as const

/**
 * A row per scan and region. `present` says which map has the region: both, segmentation, reference or neither; a score
 * that is not defined is an empty cell.
 */
export function formatScores(all: readonly Evaluation[], withPrior: boolean): string {
  const columns = [
    ...keyColumns,
    ...allMetrics.map((metric) => metrics[metric].column),
    'volume_mm3',
    'reference_mm3',
    ...(withPrior ? ['prior_dice'] : []),
  ]
  const rows = all.flatMap(({ pair, regions }) =>
    regions.map(({ name, abbreviation, scores, prior }) => [
      ...[pair.scan, name, abbreviation, presenceOf(scores)],
      ...allMetrics.map((metric) => scores[metric]),
      ...[scores.volume, scores.reference],
      ...(withPrior ? [prior] : []),
    ]),
  )
  return formatCsv([columns, ...rows])
}

/** One scan, or `scans` and a `summary`. Scores that are not defined are null. */
export function formatJson(all: readonly Evaluation[], withPrior: boolean): string {
  const value =
    all.length === 1
      ? scanJson(all[0]!, withPrior)
      : {
          scans: all.map((one) => ({ scan: one.pair.scan, ...scanJson(one, withPrior) })),
          summary: summarise(all),
        }
  return JSON.stringify(value, (_, entry: unknown) => (entry === undefined ? null : entry), 2)
}

function scanJson({ pair, regions, means, priorMean, voxel }: Evaluation, withPrior: boolean) {
  const prior = (value: number | undefined) => (withPrior ? { prior: value ?? null } : {})
  return {
    mean: means.dice,
    ...prior(priorMean),
    counted: regions.filter(({ scores }) => scores.dice !== undefined).length,
    means,
    segmentation: pair.segmentation,
    reference: pair.truth,
    voxel,
    regions: regions.map((region: EvaluatedRegion) => {
      const { name, abbreviation, scores } = region
      const { volume, reference, ...rest } = scores
      const presence = presenceOf(scores)
      return {
        ...{ name, abbreviation, absent: presence === 'neither', present: presence },
        ...{ ...rest, volume, reference },
        ...prior(region.prior),
      }
    }),
  }
}
