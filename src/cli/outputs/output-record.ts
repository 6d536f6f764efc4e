import { open, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { codeOf, fileError } from '../../io/file-error.js'
import { fileDigest } from './file-digest.js'
import { exclusively } from './lock.js'

/** What a file was made from. */
export interface Origin {
  /** The scan, by absolute paths. */
  readonly scan: string
  /** Checksums of the files and values of the options that it depends on, by name. */
  readonly made: Readonly<Record<string, string | number | boolean>>
}

interface Entry {
  /** Name in the folder. */
  readonly file: string
  /** Of the whole content; a file that grows has `begins` instead. */
  readonly sha256?: string
  /** Its first line. */
  readonly begins?: string
  readonly origin?: Origin
}

/** In each folder that sae writes to: a line of JSON for every file that it writes. */
const recordName = '.sae-files.jsonl'

/**
 * Notes a file before it is written, so that a run that is killed leaves none that is not noted.
 *
 * @throws UserError if the disk refuses
 */
export async function noteFile(path: string, entry: Omit<Entry, 'file'>): Promise<void> {
  const line = JSON.stringify({ file: basename(path), ...entry } satisfies Entry)
  try {
    // Network disks may lose what two machines append at once.
    await exclusively(dirname(path), async () => {
      const record = await open(join(dirname(path), recordName), 'a')
      try {
        // A line of its own even if a run was killed while it wrote the one before.
        await record.write(`\n${line}\n`)
        await record.sync()
      } finally {
        await record.close()
      }
    })
  } catch (error) {
    throw fileError(error, path, 'cannot be written')
  }
}

/** The files that sae wrote into a folder. */
export class OutputRecord {
  private constructor(
    private readonly folder: string,
    private readonly entries: readonly Entry[],
  ) {}

  /** Of a folder, which need not be there. @throws UserError if it cannot be read */
  static async read(folder: string): Promise<OutputRecord> {
    const path = join(folder, recordName)
    try {
      const lines = (await readFile(path, 'utf8')).split('\n')
      return new OutputRecord(folder, lines.flatMap(parseEntry))
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return new OutputRecord(folder, [])
      throw fileError(error, path, 'cannot be read')
    }
  }

  /** Whether a file is there as sae wrote it: neither another program's nor changed since. */
  async holds(name: string): Promise<boolean> {
    const entries = this.of(name)
    if (entries.length === 0) return false
    const path = join(this.folder, name)
    const firstLines = entries.flatMap(({ begins }) => begins ?? [])
    if (firstLines.length > 0) {
      const text = await readFile(path, 'utf8')
      if (firstLines.some((line) => text.startsWith(`${line}\n`))) return true
    }
    const { sha256 } = await fileDigest(path)
    return entries.some((entry) => entry.sha256 === sha256)
  }

  /** What a file was made from, as last noted; undefined if that is not known. */
  originOf(name: string): Origin | undefined {
    return this.of(name).at(-1)?.origin
  }

  private of(name: string): Entry[] {
    return this.entries.filter(({ file }) => file === name)
  }
}

/** Nothing for a line that is torn or empty. */
function parseEntry(line: string): Entry[] {
  try {
    const entry = JSON.parse(line) as Partial<Entry> | null
    return typeof entry?.file === 'string' ? [entry as Entry] : []
  } catch {
    return []
  }
}
