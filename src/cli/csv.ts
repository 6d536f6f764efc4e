import { quoted, UserError } from '../errors.js'
import { readBytes } from '../io/files.js'

/** A value of a table: what is undefined is an empty cell. */
export type Cell = string | number | undefined

/** Rows of cells as comma-separated values (RFC 4180, lines end in LF). */
export function formatCsv(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => `${row.map(formatCell).join(',')}\n`).join('')
}

function formatCell(cell: Cell): string {
  const text = String(cell ?? '')
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** The text of a table, which may be long: the log of a long run. @throws UserError if it cannot be read */
export async function readTableText(path: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(path))
}

/**
 * Reads comma-separated values with a header, quoted cells included.
 *
 * @param source the file's name, for messages
 * @returns the columns, and each row as its cells by column
 * @throws UserError if the header repeats a column or a row has another number of cells
 */
export function parseCsv(
  text: string,
  source: string,
): { columns: readonly string[]; rows: readonly ReadonlyMap<string, string>[] } {
  const [columns = [], ...lines] = cellsOf(text.replace(/^\uFEFF/, ''))
  const twice = columns.find((column, i) => columns.indexOf(column) !== i)
  if (twice !== undefined) throw new UserError(`${source}: two columns have the name ${quoted(twice)}`)
  const rows = lines.map((cells, i) => {
    if (cells.length !== columns.length) {
      throw new UserError(
        `${source}: row ${i + 2} has ${cells.length} cells, but there are ${columns.length} columns`,
      )
    }
    return new Map(columns.map((column, at) => [column, cells[at]!]))
  })
  return { columns, rows }
}

/** Every row that is not empty. */
function cellsOf(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  // A cell, and what ends it.
  for (const [, inQuotes, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    row.push(inQuotes?.replaceAll('""', '"') ?? plain ?? '')
    if (end === ',') continue
    if (row.length > 1 || row[0] !== '') rows.push(row)
    row = []
    if (end === '') break
  }
  return rows
}
