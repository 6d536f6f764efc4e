import { UserError } from '../../errors.js'
import { readText } from '../../io/files.js'
import { participantOf } from '../cohort/scan-list.js'
import { parseDelimited } from '../tables/delimited.js'

/** A table with a row per scan, whose column `scan` is the path of its results. */
export interface ScanTable {
  readonly columns: readonly string[]
  readonly rows: readonly ReadonlyMap<string, string>[]
}

/** What `participants.tsv` says. */
export interface Participants {
  /** Without `participant_id`. */
  readonly columns: readonly string[]
  /** Cells by column, by participant: `sub-01`. */
  readonly rows: ReadonlyMap<string, ReadonlyMap<string, string>>
}

const identity = 'participant_id'

/** Reads `participants.tsv` of a BIDS dataset. @throws UserError if it is damaged */
export async function readParticipants(source: string): Promise<Participants> {
  const { columns, rows } = parseDelimited(await readText(source), '\t', source)
  if (!columns.includes(identity)) throw new UserError(`${source}: has no column ${identity}`)
  return {
    columns: columns.filter((column) => column !== identity),
    rows: new Map(rows.map(({ cells }) => [participantOf(cells.get(identity))!, cells])),
  }
}

/**
 * A table of scans as tab-separated values with the columns of their participants: `participant_id`, `session_id` if
 * there are sessions, `scan`, the columns of `participants.tsv`, then the table's own. One of `participants.tsv` that has
 * the name of another gets `participant_` before it. As in BIDS, `n/a` stands for what is not known.
 */
export function groupTable({ columns, rows }: ScanTable, participants: Participants | undefined): string {
  const own = columns.filter((column) => !['scan', 'file'].includes(column))
  const places = rows.map((row) => {
    const [participant, session] = row.get('scan')!.split('/') as [string, string]
    return { participant, session: session.startsWith('ses-') ? session : undefined }
  })
  const sessions = places.some(({ session }) => session !== undefined)
  const keys = [identity, ...(sessions ? ['session_id'] : []), 'scan']
  const joined = participants?.columns ?? []
  const taken = [...keys, ...own]
  const names = joined.map((column) => (taken.includes(column) ? `participant_${column}` : column))
  const body = rows.map((row, i) => {
    const { participant, session } = places[i]!
    const person = participants?.rows.get(participant)
    return [
      ...[participant, ...(sessions ? [session] : []), row.get('scan')],
      ...joined.map((column) => person?.get(column)),
      ...own.map((column) => row.get(column)),
    ]
  })
  return [[...keys, ...names, ...own], ...body]
    .map((cells) => `${cells.map(formatCell).join('\t')}\n`)
    .join('')
}

/** BIDS has no quotes, so that a cell cannot hold a tab or a line end. */
function formatCell(cell: string | undefined): string {
  const text = (cell ?? '').replace(/[\t\r\n]+/g, ' ').trim()
  return text === '' ? 'n/a' : text
}
