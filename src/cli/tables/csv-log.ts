import { closeSync, constants, existsSync, fsyncSync, openSync, writeFileSync } from 'node:fs'
import { fileError } from '../../io/file-error.js'
import { readBytes, writeFileAtomic } from '../../io/files.js'
import { UserError } from '../../errors.js'
import { noteFile } from '../outputs/output-record.js'

/** A table that grows one row at a time. Missing values are empty. */
export class CsvLog {
  private constructor(
    readonly path: string,
    readonly columns: readonly string[],
  ) {}

  /** Creates the file. @throws UserError if it cannot be written */
  static async create(path: string, columns: readonly string[]): Promise<CsvLog> {
    return CsvLog.write(path, columns, [])
  }

  /**
   * Continues a file. Drops rows beyond `lastStep` (column `step`), because the run that wrote them ended before it could
   * save its weights, and incomplete rows, which a full disk leaves. Creates a missing file.
   *
   * @throws UserError if the file cannot be written
   */
  static async resume(path: string, columns: readonly string[], lastStep: number): Promise<CsvLog> {
    if (!existsSync(path)) return CsvLog.create(path, columns)
    const [, ...rows] = await readLines(path)
    const step = columns.indexOf('step')
    const kept = rows.filter((row) => {
      const cells = row.split(',')
      return cells.length === columns.length && Number(cells[step]) <= lastStep
    })
    return CsvLog.write(path, columns, kept)
  }

  private static async write(
    path: string,
    columns: readonly string[],
    rows: readonly string[],
  ): Promise<CsvLog> {
    const header = columns.join(',')
    await noteFile(path, { begins: header })
    await writeFileAtomic(path, new TextEncoder().encode([header, ...rows, ''].join('\n')))
    return new CsvLog(path, columns)
  }

  /** Adds a row. @throws UserError if the disk refuses, or the file is gone */
  append(values: readonly (number | undefined)[]): void {
    this.open((file) => {
      writeFileSync(file, `${values.map((value) => value ?? '').join(',')}\n`)
    })
  }

  /** Flushes the rows to the disk. @throws UserError if it refuses */
  sync(): void {
    this.open(fsyncSync)
  }

  /** Opens the file for `use`. Does not create it again if it is gone: a log without its header would be of no use. */
  private open(use: (file: number) => void): void {
    try {
      const file = openSync(this.path, constants.O_WRONLY | constants.O_APPEND)
      try {
        use(file)
      } finally {
        closeSync(file)
      }
    } catch (error) {
      throw fileError(error, this.path, 'cannot be written')
    }
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
