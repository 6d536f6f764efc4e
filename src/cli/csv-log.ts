import { appendFileSync, existsSync } from 'node:fs'
import { readBytes, writeFileAtomic } from '../io/files.js'
import { UserError } from '../errors.js'

/** A table that grows one row at a time. Missing values are empty. */
export class CsvLog {
  private constructor(
    readonly path: string,
    readonly columns: readonly string[],
  ) {}

  /** Creates the file. @throws UserError if it cannot be written */
  static async create(path: string, columns: readonly string[]): Promise<CsvLog> {
    await writeFileAtomic(path, new TextEncoder().encode(`${columns.join(',')}\n`))
    return new CsvLog(path, columns)
  }

  /**
   * Continues a file. Drops rows beyond `lastStep` (column `step`): the run that wrote them ended before it could save
   * its weights. Creates a missing file.
   *
   * @throws UserError if the file cannot be written
   */
  static async resume(path: string, columns: readonly string[], lastStep: number): Promise<CsvLog> {
    if (!existsSync(path)) return CsvLog.create(path, columns)
    const [header, ...rows] = await readLines(path)
    const step = columns.indexOf('step')
    const kept = rows.filter((row) => Number(row.split(',')[step]) <= lastStep)
    await writeFileAtomic(path, new TextEncoder().encode([header, ...kept, ''].join('\n')))
    return new CsvLog(path, columns)
  }

  append(values: readonly (number | undefined)[]): void {
    appendFileSync(this.path, `${values.map((value) => value ?? '').join(',')}\n`)
  }
}

/** Requires that a log, if there is one, has these columns. @throws UserError */
export async function requireColumns(path: string, columns: readonly string[]): Promise<void> {
  if (!existsSync(path)) return
  const [header] = await readLines(path)
  if (header !== columns.join(',')) {
    throw new UserError(
      `${path}: its columns differ from those of this run; give the same --labels and --validate, or another -o`,
    )
  }
}

async function readLines(path: string): Promise<string[]> {
  return new TextDecoder()
    .decode(await readBytes(path))
    .split('\n')
    .filter((line) => line !== '')
}
