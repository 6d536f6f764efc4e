import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../errors.js'
import { unthinned } from '../cohort/bids-derivatives.js'
import type { CohortOptions } from '../cohort/cohort.js'
import { counted } from '../counted.js'
import { Outputs, writeOutput } from '../outputs/output-files.js'
import { pagesOf } from '../report/report-files.js'
import { writeReports } from '../report/reports.js'
import { segmentedScans } from '../report/scan-report.js'
import { parseCsv, readTableText } from '../tables/csv.js'
import { tablesOfScans, volumeTable } from '../tables/scan-tables.js'
import type { Terminal } from '../terminal.js'
import { findDatasetScans } from './dataset-scans.js'
import { groupTable, readParticipants, type ScanTable } from './group-table.js'

/**
 * Gathers what the level participant found of a dataset's scans: tables with the columns of `participants.tsv`, and
 * pages to look at.
 *
 * @throws UserError if none of the scans is segmented, or a file is damaged or in the way
 */
export async function group(
  dataset: string,
  output: string,
  options: CohortOptions,
  terminal: Terminal,
): Promise<void> {
  const { naming } = await findDatasetScans(dataset, output, options, terminal)
  const found = await rowsOf(output, naming.names)
  const { rows } = found.get(volumeTable)!
  if (rows.length === 0)
    throw new UserError(
      `${output}: has no segmentation of these scans of ${dataset}; run the level participant first`,
    )
  const done = rows.map((row) => row.get('scan')!)
  const made = new Set(done.map(unthinned))
  warnOfMissing(
    naming.names.filter((name) => !made.has(name)),
    naming.names.length,
    output,
    terminal,
  )
  const source = join(dataset, 'participants.tsv')
  const participants = existsSync(source) ? await readParticipants(source) : undefined
  if (!participants) terminal.note(`${dataset}: has no participants.tsv, so the tables have no columns of it`)

  const pages = (await segmentedScans(output)).filter((name) => done.includes(name))
  const nameOf = (table: string): string => join(output, table.replace(/\.csv$/, '.tsv'))
  const renewed = [...tablesOfScans.map(nameOf), ...pagesOf(pages).map((page) => join(output, page))]
  const outputs = Outputs.inFolder(output, { files: [], renewed, inputs: [source], overwrite: false })
  await outputs.requireFree()
  await outputs.claim()
  for (const [table, content] of found) await writeOutput(nameOf(table), groupTable(content, participants))
  const people = new Set(done.map((name) => name.split('/', 1)[0]))
  terminal.status(
    `Tables: ${tablesOfScans.map(nameOf).join(', ')} (${counted(done.length, 'scan')} of ${counted(people.size, 'participant')})`,
  )
  await writeReports(output, pages, terminal)
}

/** The rows of these scans in each table of the participants' level, in the order of the scans. */
async function rowsOf(output: string, names: readonly string[]): Promise<Map<string, ScanTable>> {
  const positions = new Map(names.map((name, i) => [name, i]))
  const tables = new Map<string, ScanTable>()
  for (const table of tablesOfScans) {
    const path = join(output, table)
    const { columns, rows } = existsSync(path)
      ? parseCsv(await readTableText(path), path)
      : { columns: ['scan'], rows: [] }
    const placed = rows.flatMap((row) => {
      const at = positions.get(unthinned(row.get('scan') ?? ''))
      return at === undefined ? [] : [{ row, at }]
    })
    tables.set(table, { columns, rows: placed.sort((a, b) => a.at - b.at).map(({ row }) => row) })
  }
  return tables
}

function warnOfMissing(missing: readonly string[], all: number, output: string, terminal: Terminal): void {
  if (missing.length === 0) return
  const some = missing.slice(0, 5).join(', ')
  const more = missing.length > 5 ? ` and ${missing.length - 5} more` : ''
  terminal.warn(`${missing.length} of ${all} scans are not segmented in ${output}: ${some}${more}`)
}
