import { parseTsv } from '../../sae/labels/label-table-tsv.js'
import { sidesOf } from '../../sae/labels/label-sides.js'
import { checkLabelTable, type LabelClass, type LabelTable } from '../../sae/labels/label-table.js'
import { classColour, toHex } from '../../report/colours.js'

/** What the voxels of a segmentation hold: a code of each class, or its index. */
export type LabelValues = 'codes' | 'classes'

/**
 * The look-up table of a segmentation, BIDS style (`_dseg.tsv`): `index` is the value in the image. Two extra columns:
 * `codes` lists every label that the class merges, and `*` stands for all others; `class` is its name, on two lines if
 * the image tells its sides apart.
 *
 * @param sided whether voxels hold the codes of both sides
 */
export function formatDsegTable(table: LabelTable, values: LabelValues, sided = false): string {
  const rows = table.classes.flatMap((entry, c) => {
    const { name, abbreviation } = entry
    const codes = [...listOf(entry), ...(table.rest === c ? ['*'] : [])].join(',')
    const row = (index: number, label: string) => [
      ...[String(index), label, abbreviation, toHex(classColour(c))],
      ...[codes, name],
    ]
    if (values === 'classes') return [row(c, name)]
    const sides = sided ? sidesOf(entry) : undefined
    return sides
      ? [row(sides[0], `left ${name}`), row(sides[1], `right ${name}`)]
      : [row(entry.codes[0]!, name)]
  })
  return [['index', 'name', 'abbreviation', 'color', 'codes', 'class'], ...rows]
    .map((row) => `${row.join('\t')}\n`)
    .join('')
}

function listOf({ codes, ranges = [] }: LabelClass): string[] {
  return [...codes.map(String), ...ranges.map(([first, last]) => `${first}-${last}`)]
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
  const content = text.replace(/^\uFEFF/, '').trim()
  const columns = content.split(/\r?\n/, 1)[0]!.split('\t')
  if (!columns.includes('index') || !columns.includes('codes')) return undefined
  const { table, index } = parseTsv(content, source)
  return { table: checkLabelTable(table, source), values: index }
}
