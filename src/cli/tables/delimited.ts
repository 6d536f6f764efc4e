import { quoted, UserError } from '../../errors.js'

/** A row of a table, by the names of its columns. */
export interface TableRow {
  /** Where it begins in the file; the first line is 1. */
  readonly line: number
  readonly cells: ReadonlyMap<string, string>
}

/**
 * Reads a table whose first line names its columns. Cells may be in double quotes, and then hold separators, line ends
 * and doubled quotes; lines may end in LF or CRLF. Empty lines are left out.
 *
 * @param source the file's name, for messages
 * @throws UserError if a row has more or fewer cells than there are columns, two columns share a name, or a quote is not closed
 */
export function parseDelimited(
  text: string,
  separator: ',' | '\t',
  source: string,
): { columns: readonly string[]; rows: readonly TableRow[] } {
  const records = [...recordsOf(text.replace(/^\uFEFF/, ''), separator, source)]
  const [header, ...others] = records
  const columns = header?.cells ?? []
  const twice = columns.find((column, i) => columns.indexOf(column) !== i)
  if (twice !== undefined) throw new UserError(`${source}: two columns have the name ${quoted(twice)}`)
  const rows = others.map(({ line, cells }) => {
    if (cells.length !== columns.length)
      throw new UserError(
        `${source}, line ${line}: ${count(cells.length, 'cell')} for ${count(columns.length, 'column')}`,
      )
    return { line, cells: new Map(columns.map((column, i) => [column, cells[i]!])) }
  })
  return { columns, rows }
}

interface TableRecord {
  readonly line: number
  readonly cells: readonly string[]
}

function* recordsOf(text: string, separator: string, source: string): Generator<TableRecord> {
  // A cell in quotes or bare, and what ends it.
  const cell = new RegExp(`(?:"((?:[^"]|"")*)"|(?!")([^${separator}\\r\\n]*))(${separator}|\\r?\\n|$)`, 'y')
  let cells: string[] = []
  let line = 1
  let first = 1
  while (cell.lastIndex < text.length || cells.length > 0) {
    const match = cell.exec(text)
    if (!match)
      throw new UserError(
        `${source}, line ${line}: a quote is not closed, or closes before the end of its cell`,
      )
    const [whole, inQuotes, bare = '', end] = match
    cells.push(inQuotes?.replaceAll('""', '"') ?? bare)
    line += whole.split('\n').length - 1
    if (end === separator) continue
    if (cells.length > 1 || cells[0] !== '') yield { line: first, cells }
    cells = []
    first = line
  }
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}
