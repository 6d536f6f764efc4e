import { readBytes } from '../../io/files.js'
import { parseDelimited } from './delimited.js'

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
  const { columns, rows } = parseDelimited(text, ',', source)
  return { columns, rows: rows.map(({ cells }) => cells) }
}
