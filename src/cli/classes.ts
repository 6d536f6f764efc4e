import { readText } from '../io/files.js'
import { UserError } from '../errors.js'
import { parseLabelTable } from '../sae/label-table-file.js'
import { freeSurferTable, identityTable, type LabelTable } from '../sae/label-table.js'

/** What `--classes` stands for: `freesurfer`, a number of classes, or a table in a file. @throws UserError */
export async function readClasses(asked: string): Promise<LabelTable> {
  if (asked.toLowerCase() === 'freesurfer') return freeSurferTable
  if (/^\d+$/.test(asked)) return identityTable(Number(asked))
  if (!isTableFile(asked)) {
    throw new UserError(`--classes ${asked}: give freesurfer, a number of classes, FILE.json or FILE.tsv`)
  }
  return parseLabelTable(await readText(asked), asked)
}

/** Whether `--classes` names a file. */
export function isTableFile(asked: string): boolean {
  return /\.(json|tsv)$/i.test(asked)
}

/** A table and the file it came from. */
export interface CarriedTable {
  readonly table: LabelTable
  readonly source: string
}

/**
 * The table of a prior or model with `count` classes: the one asked for, else the one in a file, else the FreeSurfer
 * table if it has that many classes, else classes without names.
 *
 * @param carried tables of the files in use; they must agree, for equal channels mean equal classes
 * @throws UserError if they disagree, or the table has a different number of classes
 */
export async function tableFor(
  count: number,
  source: string,
  asked: string | undefined,
  carried: readonly (CarriedTable | undefined)[],
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
  return (
    known[0]?.table ?? (count === freeSurferTable.classes.length ? freeSurferTable : identityTable(count))
  )
}

function requireSameClasses(a: CarriedTable, b: CarriedTable): void {
  const meaning = (table: LabelTable, c: number): string =>
    `${table.classes[c]!.codes.join(' ')}${table.rest === c ? ' and the rest' : ''}`
  const differs = a.table.classes.findIndex((_, c) => meaning(a.table, c) !== meaning(b.table, c))
  if (differs === -1) return
  throw new UserError(
    `${a.source} and ${b.source} disagree about class ${differs}: codes ${meaning(a.table, differs)} against ${meaning(b.table, differs)}`,
  )
}
