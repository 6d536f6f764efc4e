import { printable, quoted, UserError } from '../errors.js'
import { checkLabelTable, maxCode, type LabelClass, type LabelTable } from './label-table.js'

/**
 * Reads a user's label table. Two forms:
 *
 * - JSON: `{ "classes": [{ "name": "cortex", "abbreviation": "ctx", "codes": [3, 42] }, ...], "rest": 13 }`;
 *   the abbreviation may be left out, so may rest.
 * - TSV with a header line: columns `index`, `name`, `codes` (separated by commas or spaces) and perhaps `abbreviation`.
 *   A `*` among the codes marks the class that takes every label listed nowhere.
 *
 * @param source file name for the messages
 * @throws UserError
 */
export function parseLabelTable(text: string, source = 'label table'): LabelTable {
  const content = text.replace(/^\uFEFF/, '').trim()
  const table = content.startsWith('{') ? parseJson(content, source) : parseTsv(content, source)
  return checkLabelTable(table, source)
}

function parseJson(content: string, source: string): LabelTable {
  let json: unknown
  try {
    json = JSON.parse(content)
  } catch (error) {
    throw new UserError(`${source}: not valid JSON: ${quoted((error as Error).message, 120).slice(1, -1)}`)
  }
  const { classes, rest } = json as { classes?: unknown; rest?: unknown }
  if (!Array.isArray(classes)) {
    throw new UserError(
      `${source}: "classes" must be a list such as [{ "name": "cortex", "codes": [3, 42] }]`,
    )
  }
  if (rest !== undefined && typeof rest !== 'number') {
    throw new UserError(`${source}: "rest" must be the index of a class`)
  }
  const table = { classes: classes.map((entry: unknown, c) => jsonClass(entry, c, source)) }
  return rest === undefined ? table : { ...table, rest }
}

function jsonClass(entry: unknown, index: number, source: string): LabelClass {
  const { name, abbreviation, codes } = (entry ?? {}) as Partial<Record<keyof LabelClass, unknown>>
  if (typeof name !== 'string' || !Array.isArray(codes)) {
    throw new UserError(`${source}: class ${index} must be like { "name": "cortex", "codes": [3, 42] }`)
  }
  return {
    name,
    abbreviation: typeof abbreviation === 'string' ? abbreviation : name,
    codes: codes.map((code: unknown) => readCode(codeText(code), `${source}: class ${index}`)),
  }
}

function parseTsv(content: string, source: string): LabelTable {
  const [header = '', ...lines] = content.split(/\r?\n/)
  const columns = header.split('\t').map((column) => column.trim().toLowerCase())
  for (const needed of ['index', 'name', 'codes']) {
    if (!columns.includes(needed)) {
      throw new UserError(`${source}: no column "${needed}"; the first line names the tab-separated columns`)
    }
  }
  const classes: LabelClass[] = []
  let rest: number | undefined
  lines.forEach((line, row) => {
    if (line.trim() === '') return
    const cells = line.split('\t').map((cell) => cell.trim())
    const cell = (column: string): string => cells[columns.indexOf(column)] ?? ''
    const where = `${source}: line ${row + 2}`
    // Channels are positions: a gap or a repeated index would silently shift every later class.
    if (cell('index') !== String(classes.length)) {
      throw new UserError(
        `${where}: index ${quoted(cell('index'))}, but ${classes.length} comes next; count 0, 1, 2 and so on`,
      )
    }
    const codes = cell('codes')
      .split(/[\s,]+/)
      .filter((code) => code !== '')
    if (codes.includes('*')) {
      if (rest !== undefined)
        throw new UserError(`${where}: a second class with "*"; only one can be the rest`)
      rest = classes.length
    }
    classes.push({
      name: cell('name'),
      abbreviation: cell('abbreviation') || cell('name'),
      codes: codes.filter((code) => code !== '*').map((code) => readCode(code, where)),
    })
  })
  return rest === undefined ? { classes } : { classes, rest }
}

/** Not JSON for all: that of lists within lists would not end, and -0 is 0 there. */
function codeText(code: unknown): string {
  return typeof code === 'number' ? String(code) : typeof code === 'string' ? quoted(code) : typeof code
}

function readCode(text: string, where: string): number {
  if (!/^\d+$/.test(text))
    throw new UserError(
      `${where}: ${printable(text).slice(0, 48)} is not a code; codes are non-negative integers`,
    )
  if (text.length > 10 || Number(text) > maxCode)
    throw new UserError(`${where}: the code ${text.slice(0, 48)} is too large; codes end at ${maxCode}`)
  return Number(text)
}
