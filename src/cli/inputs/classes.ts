import { readText } from '../../io/files.js'
import { UserError } from '../../errors.js'
import { parseLabelTable } from '../../sae/labels/label-table-file.js'
import { freeSurferTable } from '../../sae/labels/freesurfer-table.js'
import { identityTable, meaningOf, sameClasses, type LabelTable } from '../../sae/labels/label-table.js'
import type { Terminal } from '../terminal.js'

/** What `--classes` stands for: `freesurfer`, a number of classes, or a table in a file. @throws UserError */
export async function readClasses(asked: string): Promise<LabelTable> {
  if (asked.toLowerCase() === 'freesurfer') return freeSurferTable
  if (/^\d+$/.test(asked)) return identityTable(Number(asked))
  if (!isTableFile(asked)) {
    throw new UserError(
      `--classes ${asked}: give freesurfer, a number of classes, or a table: FILE.json, .tsv, .txt, .lut or .xml`,
    )
  }
  return canonical(parseLabelTable(await readText(asked), asked))
}

/** The built-in table if this one has its classes, as tables that older files carry: these list fewer codes. */
export function canonical(table: LabelTable): LabelTable {
  return sameClasses(table, freeSurferTable) ? freeSurferTable : table
}

/** Whether `--classes` names a file. */
export function isTableFile(asked: string): boolean {
  return /\.(json|tsv|txt|lut|xml)$/i.test(asked)
}

/** A table and the file it came from. */
export interface CarriedTable {
  readonly table: LabelTable
  readonly source: string
}

/**
 * The table of a prior or model with `count` classes: the one asked for, else the one in a file, else, with a warning, the
 * FreeSurfer table if it has that many classes, or classes without names.
 *
 * @param carried tables of the files in use; they must agree, for equal channels mean equal classes
 * @throws UserError if they disagree, or the table has a different number of classes
 */
export async function tableFor(
  count: number,
  source: string,
  asked: string | undefined,
  carried: readonly (CarriedTable | undefined)[],
  terminal: Terminal,
): Promise<LabelTable> {
  const known = carried.filter((entry) => entry !== undefined)
  if (asked !== undefined) known.unshift({ table: await readClasses(asked), source: `--classes ${asked}` })
  for (const entry of known) {
    const { length } = entry.table.classes
    if (length !== count) {
      throw new UserError(`${entry.source} has ${length} classes, but ${source} has ${count} channels`)
    }
    requireSameClasses(known[0]!, entry)
  }
  if (known[0]) return canonical(known[0].table)
  const assumed = count === freeSurferTable.classes.length ? freeSurferTable : identityTable(count)
  const [what, name] =
    assumed === freeSurferTable
      ? [`FreeSurfer's: ${assumed.classes.map(({ name }) => name).join(', ')}`, 'freesurfer']
      : [`the background and ${count - 1} classes without names`, String(count)]
  terminal.warn(
    `${source}: nothing says what its ${count} channels are; taken for ${what}; give their table with --classes, or --classes ${name} if that is right`,
  )
  return assumed
}

/** @throws UserError naming the first class that differs */
export function requireSameClasses(a: CarriedTable, b: CarriedTable): void {
  if (sameClasses(a.table, b.table)) return
  const [most, other] = [a.table.classes.length, b.table.classes.length]
  if (most !== other)
    throw new UserError(`${a.source} has ${most} classes, ${b.source} ${other}; give one table`)
  const differs = a.table.classes.findIndex((_, c) => meaningOf(a.table, c) !== meaningOf(b.table, c))
  throw new UserError(
    `${a.source} and ${b.source} disagree about class ${differs}: codes ${meaningOf(a.table, differs)} against ${meaningOf(b.table, differs)}`,
  )
}
