import { InvalidArgumentError, Option } from 'commander'
import type { RegionScores } from '../../sae/metrics/region-scores.js'

/** What `sae evaluate` measures of a region. */
export type Metric = 'dice' | 'hd95' | 'assd' | 'vs'

interface Description {
  /** Above a column of the terminal. */
  readonly title: string
  /** In the CSV. */
  readonly column: string
  readonly digits: number
  readonly better: 'higher' | 'lower'
}

export const metrics: Readonly<Record<Metric, Description>> = {
  dice: { title: 'Dice', column: 'dice', digits: 4, better: 'higher' },
  hd95: { title: 'HD95/mm', column: 'hd95_mm', digits: 2, better: 'lower' },
  assd: { title: 'ASSD/mm', column: 'assd_mm', digits: 3, better: 'lower' },
  vs: { title: 'VS', column: 'vs', digits: 4, better: 'higher' },
}

export const allMetrics = Object.keys(metrics) as Metric[]

export const metricsOption = (): Option =>
  new Option('--metrics <list>', 'what to measure, in this order: some of dice,hd95,assd,vs')
    .argParser(parseMetrics)
    .default(allMetrics, allMetrics.join(','))

function parseMetrics(text: string): Metric[] {
  const names = [...new Set(text.split(','))]
  const isMetric = (name: string): name is Metric => name in metrics
  if (names.every(isMetric)) return names
  throw new InvalidArgumentError(`It must be some of ${allMetrics.join(',')}, with commas between them.`)
}

/** Whether surfaces have to be measured, which takes most of the time. */
export function needsSurfaces(asked: readonly Metric[]): boolean {
  return asked.includes('hd95') || asked.includes('assd')
}

/** Which of the two maps has a region. */
export type Presence = 'both' | 'segmentation' | 'reference' | 'neither'

export function presenceOf({ volume, reference }: RegionScores): Presence {
  if (volume > 0) return reference > 0 ? 'both' : 'segmentation'
  return reference > 0 ? 'reference' : 'neither'
}
