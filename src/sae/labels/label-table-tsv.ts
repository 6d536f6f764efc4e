import { quoted, UserError } from '../../errors.js'
import type { LabelClass, LabelTable } from './label-table.js'
import { addCode, parseCode } from './label-code-text.js'
import { fromLookup } from './label-lookup.js'

/** A table of classes, and what its column `index` counts: the classes, or the label values that an image holds. */
export interface IndexedTable {
  readonly table: LabelTable
  readonly index: 'classes' | 'codes'
}

/** A line of the file, its cells by column. */
interface Row {
  readonly where: string
  readonly cell: (column: string) => string
}

/** Reads a table of tab-separated columns; `parseLabelTable` says which. @throws UserError */
export function parseTsv(content: string, source: string): IndexedTable {
  const [header = '', ...lines] = content.split(/\r?\n/)
  const columns = header.split('\t').map((column) => column.trim().toLowerCase())
  const needed = columns.some((column) => /^codes?$/.test(column))
    ? ['index', 'name', 'codes']
    : ['index', 'name']
  for (const column of needed) {
    if (!columns.includes(column)) {
      throw new UserError(`${source}: no column "${column}"; the first line names the tab-separated columns`)
    }
  }
  const rows = lines.flatMap((line, row): Row[] => {
    if (line.trim() === '') return []
    const cells = line.split('\t').map((cell) => cell.trim())
    const cell = (column: string): string => cells[columns.indexOf(column)] ?? ''
    return [{ where: `${source}: line ${row + 2}`, cell }]
  })
  return columns.includes('codes') ? withCodes(rows, columns.includes('class')) : bids(rows)
}

/** Each line is a value of the image, as BIDS has it. */
function bids(rows: readonly Row[]): IndexedTable {
  const table = fromLookup(
    rows.map(({ cell, where }) => ({
      code: parseCode(cell('index'), where),
      name: cell('name'),
      abbreviation: cell('abbreviation'),
    })),
  )
  return { table, index: 'codes' }
}

/** Each line is a class with all its codes, or one of its two sides if there is a column `class`. */
function withCodes(rows: readonly Row[], grouped: boolean): IndexedTable {
  const groups: Row[][] = []
  for (const row of rows) {
    const last = groups.at(-1)
    if (grouped && last?.[0]?.cell('class') === row.cell('class')) last.push(row)
    else groups.push([row])
  }
  let rest: number | undefined
  const classes = groups.map((group, c): LabelClass => {
    const [{ cell, where }] = group as [Row, ...Row[]]
    const codes: number[] = []
    const ranges: [number, number][] = []
    for (const code of cell('codes').split(/[\s,]+/)) {
      if (code === '') continue
      if (code !== '*') addCode(code, where, codes, ranges)
      else if (rest === undefined) rest = c
      else throw new UserError(`${where}: a second class with "*"; only one can be the rest`)
    }
    const name = (grouped ? cell('class') : '') || cell('name')
    const sides = group.length === 2 ? group.map((row) => parseCode(row.cell('index'), row.where)) : []
    return {
      name,
      abbreviation: cell('abbreviation') || name,
      codes,
      ...(ranges.length > 0 ? { ranges } : {}),
      ...(sides.length === 2 ? { sides: [sides[0]!, sides[1]!] } : {}),
    }
  })
  const table = rest === undefined ? { classes } : { classes, rest }
  return { table, index: indexOf(groups, classes) }
}

function indexOf(groups: readonly (readonly Row[])[], classes: readonly LabelClass[]): 'classes' | 'codes' {
  const first = groups.map(([row]) => row!.cell('index'))
  if (classes.every(({ codes }, c) => first[c] === String(codes[0]))) return 'codes'
  // Channels are positions: a gap or a repeated index would silently shift every later class.
  const wrong = first.findIndex((index, c) => index !== String(c))
  if (wrong === -1) return 'classes'
  throw new UserError(
    `${groups[wrong]![0]!.where}: index ${quoted(first[wrong]!)}, but ${wrong} comes next; count 0, 1, 2 and so on, or give the first code of each class`,
  )
}
