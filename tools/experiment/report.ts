import { table, type Row } from '../../bench/harness.js'
import { describeCell, type Results } from './results.js'
import { nameOf, type Comparison, type Summary } from './summary.js'
import type { Study } from './study.js'

/** The results of a study as Markdown. */
export function renderReport(
  { title, question, seeds, cohorts }: Study,
  results: Results,
  summaries: readonly Summary[],
  comparisons: readonly Comparison[],
  plots: readonly string[],
): string {
  const groups = [...new Set(summaries.map(({ group }) => group))]
  const minutes = results.cells.reduce((sum, { seconds }) => sum + seconds, 0) / 60
  const subjects = Object.entries(cohorts).map(
    ([name, cohort]) => `${name}: ${cohort.subjects.length} subjects of ${results.voxels[name]!} voxels`,
  )
  return [
    `# ${title}`,
    '',
    question,
    '',
    `Cohorts: ${subjects.join('; ')}. Seeds: ${seeds.join(', ')}. ${machineLine(results)}`,
    `The cells add up to ${minutes.toFixed(1)} minutes (a start that two methods share counts twice). Printed by \`npm run experiment -- ${results.study}\`.`,
    '',
    'Dice is the mean over the foreground classes. `spread` is the standard deviation over subjects (each averaged over',
    'seeds), `seeds` that over seeds (each averaged over subjects); `worst class` is the class with the lowest mean;',
    'seconds are for all subjects of all cohorts in a group together.',
    ...groups.flatMap((group) => {
      const own = summaries.filter((summary) => summary.group === group)
      return [
        '',
        `## ${capitalised(group)}`,
        '',
        table(own.map((summary) => summaryRow(summary, results))),
        '',
        'By class:',
        '',
        table(own.map((summary) => classRow(summary, results))),
      ]
    }),
    ...failureSection(results),
    ...(comparisons.length === 0 ? [] : comparisonSection(comparisons)),
    ...plots.flatMap((plot) => ['', `![${title}](${plot})`]),
    '',
  ].join('\n')
}

function machineLine({ machine, cells }: Results): string {
  const commits = [...new Set(cells.map(({ commit }) => commit))]
  const text = (key: string): string => String(machine[key])
  return `Adapter ${text('adapter')}, processor ${text('processor')}, Node ${text('node')}, commit ${commits.join(' and ')}.`
}

function summaryRow(summary: Summary, { classes, foreground }: Results): Row {
  const worst = foreground.reduce((a, b) => (summary.classes[b]! < summary.classes[a]! ? b : a))
  return {
    prior: summary.prior ?? '-',
    method: summary.method,
    Dice: dice(summary.mean),
    spread: dice(summary.overSubjects),
    seeds: dice(summary.overSeeds),
    'worst class': `${classes[worst]!} ${dice(summary.classes[worst]!)}`,
    seconds: summary.seconds.toFixed(1),
  }
}

function classRow(summary: Summary, { classes, foreground }: Results): Row {
  return {
    method: nameOf(summary),
    ...Object.fromEntries(foreground.map((c) => [classes[c]!, dice(summary.classes[c]!)])),
  }
}

function comparisonSection(comparisons: readonly Comparison[]): string[] {
  const rows = comparisons.map(({ group, a, b, subjects, difference, better, p }) => ({
    group,
    a,
    b,
    'a - b': `${difference < 0 ? '-' : '+'}${dice(Math.abs(difference))}`,
    'a better': `${better} of ${subjects}`,
    p: Number.isNaN(p) ? '-' : p.toPrecision(2),
  }))
  return [
    '',
    '## Pairs',
    '',
    'Subjects averaged over seeds; p is two-sided, of the Wilcoxon signed-rank test over subjects (`-`: fewer than 6',
    'subjects, for which it cannot fall below .05). It is not corrected for the number of pairs.',
    '',
    table(rows),
  ]
}

function failureSection({ cells }: Results): string[] {
  const failed = cells.filter(({ failure }) => failure !== undefined)
  if (failed.length === 0) return []
  return ['', '## Failed', '', ...failed.map((cell) => `- ${describeCell(cell)}: ${cell.failure!}`)]
}

/** `.634`, or `-` if there is none. */
export function dice(value: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(3).replace(/^0/, '')
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
