import { printable, UserError } from '../../errors.js'

/** Label volumes are float64, which holds integers up to this one exactly. */
export const maxCode = Number.MAX_SAFE_INTEGER

/** Whether a number can be a label value. */
export function isCode(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** One class (channel) of a segmentation. `codes` are the label values that belong to it; the first one represents it. */
export interface LabelClass {
  /** For example `cerebral white matter`. */
  readonly name: string
  /** For example `wm`; a column of logs and tables. */
  readonly abbreviation: string
  /** Label values, non-negative integers; each belongs to at most one class of a table. */
  readonly codes: readonly number[]
  /** More label values, as the first and the last of a range: the parcels of a region, for instance. */
  readonly ranges?: readonly (readonly [first: number, last: number])[]
  /** The codes of its left and its right side. Two codes that are a pair in FreeSurfer need no mention. */
  readonly sides?: readonly [left: number, right: number]
}

/** The classes of a segmentation in channel order; class 0 is the background. */
export interface LabelTable {
  /** 2 to 64 of them; a class's position is its channel. */
  readonly classes: readonly LabelClass[]
  /** Index of the class that takes every label listed nowhere. Without it such a label is an error. */
  readonly rest?: number
}

/** Class maps are bytes and the kernels keep a voxel's channels in registers: more classes are not supported. */
const maxClasses = 64
const longestName = 100

/** The table of a label map whose values are already the classes `0..count-1`. @throws UserError unless count is 2..64. */
export function identityTable(count: number): LabelTable {
  return checkLabelTable(
    {
      classes: Array.from({ length: count }, (_, c) => ({
        name: c === 0 ? 'background' : `class ${c}`,
        abbreviation: c === 0 ? 'bg' : `c${c}`,
        codes: [c],
      })),
    },
    `identity table of ${count} classes`,
  )
}

/** The classes that count in a mean score: all except the background and the rest. */
export function foregroundClasses(table: LabelTable): number[] {
  return table.classes.map((_, c) => c).filter((c) => c !== 0 && c !== table.rest)
}

/** Returns `table` if it is sound. @throws UserError naming `source` and the first thing that is wrong. */
export function checkLabelTable(table: LabelTable, source: string): LabelTable {
  const { classes, rest } = table
  if (classes.length < 2 || classes.length > maxClasses) {
    throw new UserError(`${source}: has ${classes.length} classes; give 2 to ${maxClasses}`)
  }
  if (rest !== undefined && classes[rest] === undefined) {
    throw new UserError(`${source}: rest is class ${rest}, but the classes are 0 to ${classes.length - 1}`)
  }
  classes.forEach((entry, c) => {
    checkNames(entry, `${source}: the name of class ${c}`)
    checkCodes(entry, `${source}: class ${c} (${entry.name})`)
  })
  requireDisjoint(classes, source)
  return table
}

/** They go into tables of one line for each class. */
function checkNames({ name, abbreviation }: LabelClass, what: string): void {
  for (const text of [name, abbreviation]) {
    if (text.length > longestName || printable(text) !== text || /[\t\n]/.test(text)) {
      throw new UserError(`${what} must be printable text on one line, of at most ${longestName} characters`)
    }
  }
}

function checkCodes({ codes, ranges = [], sides }: LabelClass, where: string): void {
  if (codes.length === 0) {
    throw new UserError(`${where} has no codes; give the label value that stands for it`)
  }
  const wrong = [...codes, ...ranges.flat()].find((code) => !isCode(code))
  if (wrong !== undefined) {
    throw new UserError(`${where} has the code ${wrong}; codes are integers from 0 to ${maxCode}`)
  }
  const reversed = ranges.find(([first, last]) => last < first)
  if (reversed) throw new UserError(`${where} has the range ${reversed.join('-')}; give the lower code first`)
  const foreign = sides?.find((code) => !codes.includes(code))
  if (foreign !== undefined)
    throw new UserError(`${where} has the side ${foreign}, which is none of its codes`)
}

/** Each label value belongs to one class at most. */
function requireDisjoint(classes: readonly LabelClass[], source: string): void {
  const spans = classes.flatMap(({ codes, ranges = [] }, owner) => [
    ...codes.map((code) => ({ first: code, last: code, owner, single: true })),
    ...ranges.map(([first, last]) => ({ first, last, owner, single: false })),
  ])
  spans.sort((a, b) => a.first - b.first)
  let before = spans[0]!
  for (const span of spans.slice(1)) {
    const repeats = span.single && before.single && span.first === before.first
    if (span.first <= before.last && (span.owner !== before.owner || repeats)) {
      const [a, b] = [before.owner, span.owner].sort((c, d) => c - d)
      throw new UserError(`${source}: code ${span.first} is in class ${a!} and in class ${b!}; keep one`)
    }
    if (span.last >= before.last) before = span
  }
}

/** Whether two tables have the same classes: codes and rest, whatever their names and ranges. */
export function sameClasses(a: LabelTable, b: LabelTable): boolean {
  return (
    a.classes.length === b.classes.length && a.classes.every((_, c) => meaningOf(a, c) === meaningOf(b, c))
  )
}

/** `3 42`, `29 61 and the rest`: what a class of a table is, apart from its name. */
export function meaningOf(table: LabelTable, c: number): string {
  return `${table.classes[c]!.codes.join(' ')}${table.rest === c ? ' and the rest' : ''}`
}
