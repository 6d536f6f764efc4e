import { CsvError, parse } from 'csv-parse/sync'
import { quoted, UserError } from '../../errors.js'
import { counted } from '../counted.js'

/** A row of a table, by the names of its columns. */
export interface TableRow {
  /** Where it ends in the file; the first line is 1. */
  readonly line: number
  readonly cells: ReadonlyMap<string, string>
}

/**
 * Reads a table whose first line names its columns. Cells may be in double quotes, and then hold separators, line ends
 * and doubled quotes; lines may end in LF or CRLF. Empty lines are left out. BIDS has no quotes, so between tabs, a quote
 * that does not begin its cell stands for itself, as for pandas.
 *
 * @param source the file's name, for messages
 * @throws UserError if a row has more or fewer cells than there are columns, two columns share a name, a quote is not closed,
 *   or the file is binary
 */
export function parseDelimited(
  text: string,
  separator: ',' | '\t',
  source: string,
): { columns: readonly string[]; rows: readonly TableRow[] } {
  if (text.includes('\0'))
    throw new UserError(`${source}: is not a table, but a binary file or text in UTF-16`)
  const [header, ...others] = recordsOf(text, separator, source)
  const columns = header?.record ?? []
  const twice = columns.find((column, i) => columns.indexOf(column) !== i)
  if (twice !== undefined) throw new UserError(`${source}: two columns have the name ${quoted(twice)}`)
  const rows = others.map(({ record: cells, info: { lines: line } }) => {
    if (cells.length !== columns.length)
      throw new UserError(
        `${source}, line ${line}: ${counted(cells.length, 'cell')} for ${counted(columns.length, 'column')}`,
      )
    return { line, cells: new Map(columns.map((column, i) => [column, cells[i]!])) }
  })
  return { columns, rows }
}

/** A record as csv-parse gives it. */
interface TableRecord {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

function recordsOf(text: string, delimiter: string, source: string): TableRecord[] {
  try {
    const options = {
      ...{ delimiter, bom: true, info: true, skip_empty_lines: true, relax_column_count: true },
      relax_quotes: delimiter === '\t',
    }
    return parse(text, options) as unknown as TableRecord[]
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const { lines } = error as CsvError & { readonly lines?: number }
    throw new UserError(
      `${source}, line ${lines ?? 1}: a quote is not closed, or closes before the end of its cell`,
    )
  }
}
