import { parseLabelTable } from '../sae/label-table-file.js'
import { UserError } from '../errors.js'
import type { LabelTable } from '../sae/label-table.js'
import { classColour, toHex } from '../report/colours.js'

/** What the voxels of a segmentation hold: the first code of each class, or its index. */
export type LabelValues = 'codes' | 'classes'

/**
 * The look-up table of a segmentation, BIDS style (`_dseg.tsv`): `index` is the value in the image. An extra column,
 * `codes`, lists every label that the class merges; `*` stands for all others.
 */
export function formatDsegTable(table: LabelTable, values: LabelValues): string {
  const rows = table.classes.map(({ name, abbreviation, codes }, c) => [
    String(values === 'codes' ? codes[0]! : c),
    name,
    abbreviation,
    toHex(classColour(c)),
    [...codes, ...(table.rest === c ? ['*'] : [])].join(','),
  ])
  return [['index', 'name', 'abbreviation', 'color', 'codes'], ...rows]
    .map((row) => `${row.join('\t')}\n`)
    .join('')
}

/**
 * Reads such a table back.
 *
 * @returns undefined if the file has no column of codes: another tool wrote it
 * @throws UserError if it is damaged
 */
export function parseDsegTable(
  text: string,
  source: string,
): { table: LabelTable; values: LabelValues } | undefined {
  const [header = [], ...rows] = text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => line.split('\t'))
  const column = header.indexOf('index')
  if (column === -1 || !header.includes('codes')) return undefined
  const indices = rows.map((row) => row[column])
  const numbered = rows.map((row, c) => row.map((cell, at) => (at === column ? String(c) : cell)))
  const table = parseLabelTable([header, ...numbered].map((row) => row.join('\t')).join('\n'), source)
  const is = (value: (c: number) => number): boolean =>
    indices.every((index, c) => index === String(value(c)))
  if (is((c) => table.classes[c]!.codes[0]!)) return { table, values: 'codes' }
  if (is((c) => c)) return { table, values: 'classes' }
  throw new UserError(
    `${source}: the column "index" holds neither the first code of each class nor 0, 1, 2 and so on`,
  )
}
