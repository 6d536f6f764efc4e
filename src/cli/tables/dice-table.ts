import type { Overlap } from '../../sae/assessment/overlap.js'
import { foregroundClasses, type LabelTable } from '../../sae/labels/label-table.js'

/**
 * Dice of each region and their mean, in columns. A region that neither map has is marked and not in the mean.
 *
 * @param columns by their headings
 */
export function formatDiceTable(table: LabelTable, columns: Readonly<Record<string, Overlap>>): string {
  const scored = foregroundClasses(table)
  const overlaps = Object.values(columns)
  const format = (dice: number | undefined): string => dice?.toFixed(4) ?? 'absent'
  const counted = scored.filter((c) => overlaps[0]!.perClass[c] !== undefined).length
  const rows = [
    ['region', ...Object.keys(columns)],
    ...scored.map((c) => [table.classes[c]!.name, ...overlaps.map(({ perClass }) => format(perClass[c]))]),
    [`mean of ${counted} regions`, ...overlaps.map(({ mean }) => format(mean))],
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!))).join('  '),
    )
    .join('\n')
}
