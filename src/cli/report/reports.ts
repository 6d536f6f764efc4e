import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { UserError } from '../../errors.js'
import { allScansPage, indexRow, type IndexRow } from './index-page.js'
import { writeOutput } from '../outputs/output-files.js'
import { readRuns } from './recorded-runs.js'
import { indexPage, pageOf, trainingPage } from './report-files.js'
import { scanPage } from './scan-page.js'
import { readScanReport, segmentedScans } from './scan-report.js'
import type { Terminal } from '../terminal.js'
import { readLogs, trainingPageOf } from './training-page.js'

/**
 * Writes the pages of a folder: one for each scan that is named, one of all scans in the folder, and one of its logs if
 * it has any. A scan that cannot be read any more is named and left out.
 *
 * @returns how many scans and logs are shown
 * @throws UserError if a file cannot be written
 */
export async function writeReports(
  folder: string,
  names: readonly string[],
  terminal: Terminal,
): Promise<{ scans: number; logs: number }> {
  const runs = await readRuns(folder)
  const logs = await readLogs(folder)
  const rows: IndexRow[] = []
  for (const name of await segmentedScans(folder)) {
    try {
      const report = await readScanReport(folder, name, runs)
      rows.push(indexRow(report))
      if (names.includes(name)) await writeOutput(join(folder, pageOf(name)), scanPage(report))
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      terminal.warn(`${name} is left out of the report: ${error.message}`)
    }
  }
  if (logs.length > 0) await writeOutput(join(folder, trainingPage), trainingPageOf(logs, runs))
  if (rows.length > 0) {
    const pages = [...rows.map(({ name }) => pageOf(name)), trainingPage]
    const files = new Set(pages.filter((page) => existsSync(join(folder, page))))
    await writeOutput(join(folder, indexPage), allScansPage(rows, files, resolve(folder)))
    terminal.status(`Report: ${join(folder, indexPage)}`)
  }
  return { scans: rows.length, logs: logs.length }
}
