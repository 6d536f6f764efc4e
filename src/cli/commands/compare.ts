import { Option, type Command } from 'commander'
import { alignColumns } from '../tables/columns.js'
import type { Comparison, RegionComparison } from '../evaluate/comparison.js'
import { formatCsv } from '../tables/csv.js'
import { overwriteOption, terminalOf } from '../options.js'
import { Outputs, writeOutput } from '../outputs/output-files.js'
import { allMetrics, metrics, type Metric } from '../evaluate/region-metrics.js'
import type { Terminal } from '../terminal.js'

interface CompareOptions {
  metric: Metric
  csv?: string
  json?: boolean
  overwrite?: boolean
}

export function addCompare(program: Command): void {
  program
    .command('compare')
    .summary('compare two models on the same scans')
    .description(
      'Pairs the scans of two tables of scores by name. Prints for each region the mean of both, the mean difference, on how many scans the second is better, and the two-sided p of the Wilcoxon signed-rank test, not corrected for the number of regions. Fewer than 6 pairs have no p.',
    )
    .argument('<a>', 'scores that sae evaluate --csv wrote')
    .argument('<b>', 'those of the other model')
    .addOption(new Option('--metric <name>', 'what to compare').choices(allMetrics).default('dice'))
    .option('--csv <file>', 'also write the table to this file')
    .addOption(overwriteOption())
    .option('--json', 'print JSON instead of a table')
    .addHelpText(
      'after',
      `
Example:
  sae compare em-scores.csv network-scores.csv`,
    )
    .action(async (a: string, b: string, options: CompareOptions, command: Command) => {
      await compare(a, b, options, terminalOf(command))
    })
}

async function compare(a: string, b: string, options: CompareOptions, terminal: Terminal): Promise<void> {
  const { metric, csv, overwrite } = options
  const output =
    csv === undefined ? undefined : Outputs.ofFile(csv, { files: [csv], inputs: [a, b], overwrite }, '--csv')
  await output?.requireFree()
  // Its statistics take half a second to load, which no other command should wait for.
  const { compareScores, readScores } = await import('../evaluate/comparison.js')
  const [first, second] = [await readScores(a, metric), await readScores(b, metric)]
  const comparison = compareScores(first, second, metric)
  for (const [scans, source] of [
    [comparison.onlyInA, a],
    [comparison.onlyInB, b],
  ] as const)
    if (scans.length > 0) terminal.warn(`only in ${source}, and so not compared: ${scans.join(', ')}`)
  const lost = [...new Set([...first.regions, ...second.regions])].filter(
    (region) => !first.regions.includes(region) || !second.regions.includes(region),
  )
  if (lost.length > 0) terminal.warn(`regions of one table only, and so not compared: ${lost.join(', ')}`)
  terminal.print(
    options.json ? JSON.stringify({ metric, a, b, ...comparison }, undefined, 2) : format(comparison, metric),
  )
  if (csv === undefined) return
  await output?.claim()
  await writeOutput(csv, table(comparison))
}

function format({ regions, overall }: Comparison, metric: Metric): string {
  const { title, digits, better } = metrics[metric]
  const number = (value: number): string => (Number.isNaN(value) ? '-' : value.toFixed(digits))
  const row = ({ region, n, meanA, meanB, difference, better, equal, p }: RegionComparison) => [
    region,
    String(n),
    ...[number(meanA), number(meanB)],
    difference > 0 ? `+${number(difference)}` : number(difference),
    `${better}${equal > 0 ? ` (${equal} equal)` : ''}`,
    formatP(p),
  ]
  return alignColumns([
    [`${title}, ${better} is better`, 'n', 'A', 'B', 'B - A', 'B better', 'p'],
    ...[...regions, overall].map(row),
  ])
}

function formatP(p: number): string {
  if (Number.isNaN(p)) return '-'
  return p < 0.001 ? p.toExponential(0) : p.toFixed(3)
}

function table({ regions, overall }: Comparison): string {
  const columns = ['region', 'n', 'mean_a', 'mean_b', 'difference', 'better', 'equal', 'p']
  const rows = [...regions, overall].map(({ region, n, meanA, meanB, difference, better, equal, p }) => [
    region,
    ...[n, meanA, meanB, difference, better, equal, p].map((value) =>
      Number.isNaN(value) ? undefined : value,
    ),
  ])
  return formatCsv([columns, ...rows])
}
