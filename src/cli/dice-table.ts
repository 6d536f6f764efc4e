import { meanDice } from '../sae/dice.js'
import { foregroundClasses, type LabelTable } from '../sae/label-table.js'

/**
 * Dice of each region and their mean, in columns.
 *
 * @param columns Dice of every class by the heading of its column
 */
export function formatDiceTable(
  table: LabelTable,
  columns: Readonly<Record<string, readonly number[]>>,
): string {
  const scored = foregroundClasses(table)
  const scores = Object.values(columns)
  const rows = [
    ['region', ...Object.keys(columns)],
    ...scored.map((c) => [table.classes[c]!.name, ...scores.map((dice) => dice[c]!.toFixed(4))]),
    [`mean of ${scored.length} regions`, ...scores.map((dice) => meanDice(dice, scored).toFixed(4))],
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!))).join('  '),
    )
    .join('\n')
}
