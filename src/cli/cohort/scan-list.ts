import { existsSync } from 'node:fs'
import { dirname, resolve, join, isAbsolute } from 'node:path'
import { UserError } from '../../errors.js'
import { readText } from '../../io/files.js'
import { channelFiles, scanOf } from '../inputs/channel-files.js'
import { parseDelimited } from '../tables/delimited.js'

/** A scan of a cohort. */
export interface CohortScan {
  readonly path: string
  /** Its reference label map, if the cohort says. */
  readonly labels?: string | undefined
  /** Whose it is, `sub-01`, if the cohort says. */
  readonly participant?: string | undefined
  /** Where it lies in a BIDS dataset, if it is of one. */
  readonly place?: BidsPlace | undefined
}

/** A folder of a BIDS dataset. */
export interface BidsPlace {
  readonly dataset: string
  /** In the dataset, `sub-01/ses-1/anat`. */
  readonly folder: string
}

const scanColumns = ['scan', 'path']

/** Whether a file is a list of scans, by its name. */
export const isScanList = (path: string): boolean => /\.(tsv|csv)$/i.test(path)

/**
 * Reads a list of scans: a table with a column `scan` or `path` and, if wanted, `labels` and `participant_id`. Paths
 * are relative to the folder of the list; the files of a scan with several channels are joined by commas. Other columns are
 * ignored, and so are cells that are empty or `n/a`.
 *
 * @throws UserError if it cannot be read, lists nothing, or names a file that is not there
 */
export async function readScanList(source: string): Promise<CohortScan[]> {
  const separator = /\.tsv$/i.test(source) ? '\t' : ','
  const { columns, rows } = parseDelimited(await readText(source), separator, source)
  const column = scanColumns.find((name) => columns.includes(name))
  if (column === undefined)
    throw new UserError(
      `${source}: has no column ${scanColumns.join(' or ')}; its first line must name the columns, separated by ${separator === ',' ? 'commas' : 'tabs'}`,
    )
  if (rows.length === 0) throw new UserError(`${source}: lists no scan`)
  return rows.map(({ line, cells }) => {
    const valueOf = (name: string): string | undefined => {
      const value = cells.get(name)?.trim()
      return value === '' || value === 'n/a' ? undefined : value
    }
    const fileIn = (name: string): string | undefined => {
      const value = valueOf(name)
      if (value === undefined) return undefined
      const inFolder = (file: string): string => (isAbsolute(file) ? file : join(dirname(source), file))
      const files = existsSync(inFolder(value)) ? [value] : channelFiles(value)
      const paths = files.map(inFolder)
      const gone = paths.find((path) => !existsSync(path))
      if (gone !== undefined) throw new UserError(`${source}, line ${line}: ${resolve(gone)}: no such file`)
      return scanOf(paths)
    }
    const path = fileIn(column)
    if (path === undefined) throw new UserError(`${source}, line ${line}: ${column} is empty`)
    return { path, labels: fileIn('labels'), participant: participantOf(valueOf('participant_id')) }
  })
}

/** With the prefix that BIDS demands, whether it was written or not. */
export function participantOf(label: string | undefined): string | undefined {
  return label === undefined || label.startsWith('sub-') ? label : `sub-${label}`
}
