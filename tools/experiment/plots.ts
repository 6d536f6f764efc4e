import { dots } from '../../bench/plot.js'
import { renderCurves } from '../../src/report/curves.js'
import type { Results } from './results.js'
import { groupBy } from './statistics.js'
import { nameOf, type Summary } from './summary.js'

/** A dot for each subject and a bar for their mean, in a row for each method. */
export function renderDots(title: string, summaries: readonly Summary[]): string {
  const several = new Set(summaries.map(({ group }) => group)).size > 1
  const rows = summaries.map((summary) => ({
    name: several ? `${summary.group}: ${nameOf(summary)}` : nameOf(summary),
    values: [...summary.subjects.values()],
    mean: summary.mean,
  }))
  return dots(title, 'Dice by subject, mean over seeds and foreground classes', rows)
}

/**
 * Dice by training step for the runs of one cohort that were scored during training (first seed of each method);
 * undefined if there are none.
 */
export function renderLogs(title: string, { cells }: Results): string | undefined {
  const scored = cells.filter(({ log }) => log)
  const cohort = scored[0]?.cohort
  if (cohort === undefined) return undefined
  const runs = groupBy(
    scored.filter((cell) => cell.cohort === cohort),
    nameOf,
  )
  const series = [...runs].map(([name, [first]]) => ({
    name,
    x: first!.log!.map(({ step }) => step),
    values: first!.log!.map(({ dice }) => dice),
  }))
  return renderCurves({ title: `${title} (${cohort})`, series, xLabel: 'training step', yLabel: 'Dice' })
}
