import { quoted, UserError } from '../../errors.js'
import { parseCsv, readTableText } from '../tables/csv.js'
import { metrics, type Metric } from './region-metrics.js'
import { signedRankP } from './signed-rank.js'
import { mean } from '../../sae/mean.js'

/** Scores of one metric, as `sae evaluate --csv` wrote them. */
export interface ScoreTable {
  readonly source: string
  /** Scans in their order, each with its scores by region. Regions without a score are left out. */
  readonly scans: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** Regions in the order in which they come first. */
  readonly regions: readonly string[]
}

/**
 * Reads the scores of one metric.
 *
 * @throws UserError if the file cannot be read, is not a table of `sae evaluate`, has no score of the metric, a scan's region
 *   twice, or a score that is not a number
 */
export async function readScores(path: string, metric: Metric): Promise<ScoreTable> {
  const { columns, rows } = parseCsv(await readTableText(path), path)
  const { column } = metrics[metric]
  const missing = ['scan', 'region', column].find((name) => !columns.includes(name))
  if (missing !== undefined)
    throw new UserError(`${path}: no column "${missing}"; give a table that sae evaluate --csv wrote`)
  if (rows.length === 0)
    throw new UserError(`${path}: has no rows; give a table that sae evaluate --csv wrote`)
  if (rows.every((row) => row.get(column) === ''))
    throw new UserError(`${path}: holds no ${metric}; evaluate with --metrics ${metric}`)
  const scans = new Map<string, Map<string, number>>()
  const seen = new Set<string>()
  const regions = new Set<string>()
  for (const [i, row] of rows.entries()) {
    const [scan, region, text] = [row.get('scan')!, row.get('region')!, row.get(column)!]
    const where = `${path}: row ${i + 2}`
    const key = JSON.stringify([scan, region])
    if (seen.has(key))
      throw new UserError(`${where}: ${quoted(region)} of ${quoted(scan)} is there a second time; keep one`)
    seen.add(key)
    regions.add(region)
    const scores = scans.get(scan) ?? new Map<string, number>()
    scans.set(scan, scores)
    if (text === '') continue
    const value = Number(text)
    if (!Number.isFinite(value)) throw new UserError(`${where}: ${quoted(text)} is not a score`)
    scores.set(region, value)
  }
  return { source: path, scans, regions: [...regions] }
}

/** Two models on the scans that both have segmented, in one region. */
export interface RegionComparison {
  readonly region: string
  /** Scans of which both have a score. */
  readonly n: number
  readonly meanA: number
  readonly meanB: number
  /** Mean of B - A. */
  readonly difference: number
  /** Scans on which B is better. */
  readonly better: number
  /** Scans on which both are equal. */
  readonly equal: number
  /** Two-sided, of the Wilcoxon signed-rank test; NaN for fewer than 6 scans. */
  readonly p: number
}

export interface Comparison {
  readonly regions: readonly RegionComparison[]
  /** Each scan counts with the mean over those regions of which both have a score. */
  readonly overall: RegionComparison
  readonly onlyInA: readonly string[]
  readonly onlyInB: readonly string[]
}

/** Compares two tables, scan by scan. @throws UserError if they have no scan in common */
export function compareScores(a: ScoreTable, b: ScoreTable, metric: Metric): Comparison {
  const shared = [...a.scans.keys()].filter((scan) => b.scans.has(scan))
  if (shared.length === 0) {
    const first = ({ scans }: ScoreTable): string => quoted(scans.keys().next().value ?? '')
    throw new UserError(
      `${a.source} and ${b.source} have no scan in common (${first(a)} and ${first(b)}, for example); pairs are found by the column "scan"`,
    )
  }
  const regions = a.regions.filter((region) => b.regions.includes(region))
  const pairsOf = (region: string): (readonly [number, number])[] =>
    shared.flatMap((scan) => {
      const [x, y] = [a.scans.get(scan)!.get(region), b.scans.get(scan)!.get(region)]
      return x === undefined || y === undefined ? [] : [[x, y] as const]
    })
  const means = shared.flatMap((scan) => {
    const [x, y] = [a.scans.get(scan)!, b.scans.get(scan)!]
    const both = regions.filter((region) => x.has(region) && y.has(region))
    if (both.length === 0) return []
    return [[mean(both.map((region) => x.get(region)!)), mean(both.map((region) => y.get(region)!))] as const]
  })
  return {
    regions: regions.map((region) => comparePairs(region, pairsOf(region), metric)),
    overall: comparePairs('mean of regions', means, metric),
    onlyInA: [...a.scans.keys()].filter((scan) => !b.scans.has(scan)),
    onlyInB: [...b.scans.keys()].filter((scan) => !a.scans.has(scan)),
  }
}

function comparePairs(
  region: string,
  pairs: readonly (readonly [number, number])[],
  metric: Metric,
): RegionComparison {
  const [x, y] = [pairs.map(([first]) => first), pairs.map(([, second]) => second)]
  const gain = metrics[metric].better === 'higher' ? 1 : -1
  return {
    region,
    n: pairs.length,
    meanA: mean(x),
    meanB: mean(y),
    difference: mean(y) - mean(x),
    better: pairs.filter(([first, second]) => gain * (second - first) > 0).length,
    equal: pairs.filter(([first, second]) => first === second).length,
    p: signedRankP(x, y),
  }
}
