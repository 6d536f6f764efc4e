import { quoted, UserError } from '../../errors.js'
import { addCode, parseCode } from './label-code-text.js'
import { checkLabelTable, type LabelClass, type LabelTable } from './label-table.js'

/**
 * Reads a label table in JSON, as files and checkpoints hold it (docs/labels.md). A page that only reads checkpoints loads
 * no other form.
 *
 * @param source file name for the messages
 * @throws UserError
 */
export function parseJsonTable(text: string, source: string): LabelTable {
  return checkLabelTable(parseJson(text, source), source)
}

function parseJson(content: string, source: string): LabelTable {
  let json: unknown
  try {
    json = JSON.parse(content)
  } catch (error) {
    throw new UserError(`${source}: not valid JSON: ${quoted((error as Error).message, 120).slice(1, -1)}`)
  }
  // `null` is JSON too, and has no fields.
  const { classes, rest } = Object(json) as { classes?: unknown; rest?: unknown }
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
  const fields = (entry ?? {}) as Partial<Record<keyof LabelClass, unknown>>
  const { name, abbreviation, codes: listed, ranges: spans = [], sides } = fields
  const where = `${source}: class ${index}`
  if (typeof name !== 'string' || !Array.isArray(listed) || !Array.isArray(spans)) {
    throw new UserError(`${where} must be like { "name": "cortex", "codes": [3, 42] }`)
  }
  const codes: number[] = []
  const ranges: [number, number][] = []
  for (const code of listed as unknown[]) {
    const isRange = typeof code === 'string' && code.includes('-')
    addCode(isRange ? code : codeText(code), where, codes, ranges)
  }
  for (const span of spans as unknown[]) {
    addCode(spanText(span), where, codes, ranges)
  }
  return {
    name,
    abbreviation: typeof abbreviation === 'string' ? abbreviation : name,
    codes,
    ...(ranges.length > 0 ? { ranges } : {}),
    ...(sides === undefined ? {} : { sides: readSides(sides, where) }),
  }
}

function readSides(sides: unknown, where: string): [number, number] {
  if (Array.isArray(sides) && sides.length === 2) {
    const [left, right] = (sides as unknown[]).map((code) => parseCode(codeText(code), where))
    return [left!, right!]
  }
  throw new UserError(`${where}: "sides" must be its left and its right code, such as [3, 42]`)
}

/** Not JSON for all: that of lists within lists would not end, and -0 is 0 there. */
function codeText(code: unknown): string {
  return typeof code === 'number' ? String(code) : typeof code === 'string' ? quoted(code) : typeof code
}

/** `[1000, 1035]` as a range is written elsewhere. */
function spanText(span: unknown): string {
  return Array.isArray(span) && span.length === 2 ? span.map(codeText).join('-') : codeText(span)
}
