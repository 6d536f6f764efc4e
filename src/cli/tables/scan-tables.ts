import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { formatCsv, parseCsv, readTableText, type Cell } from './csv.js'
import { exclusively } from '../outputs/lock.js'
import { writeOutput } from '../outputs/output-files.js'

/** In a folder of segmentations: the volumes of each scan's classes. */
export const volumeTable = 'volumes.csv'
/** And how good each segmentation seems. */
export const qualityTable = 'qc.csv'
export const tablesOfScans = [volumeTable, qualityTable]

/** Cells by column; the column `scan` says whose they are. */
export type ScanRow = Readonly<Record<string, Cell>> & { readonly scan: string }

/**
 * Puts a row into a table of one row per scan, in the place of the row that the scan has. Columns that only some rows
 * have are empty in the others. Makes the file if it is missing.
 *
 * @throws UserError if the file is damaged or cannot be written
 */
export async function putRow(path: string, row: ScanRow): Promise<void> {
  // Runs on other scans of the cohort may add theirs now.
  await exclusively(dirname(path), async () => {
    const { columns, rows } = existsSync(path)
      ? parseCsv(await readTableText(path), path)
      : { columns: ['scan'], rows: [] }
    const all = [...new Set([...columns, ...Object.keys(row)])]
    const made = all.map((column) => row[column])
    const before = rows.map((cells) => all.map((column): Cell => cells.get(column)))
    const at = rows.findIndex((cells) => cells.get('scan') === row.scan)
    const after = at === -1 ? [...before, made] : before.with(at, made)
    await writeOutput(path, formatCsv([all, ...after]))
  })
}
