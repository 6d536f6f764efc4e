import { UserError } from '../../errors.js'
import { freeSurferTable } from './freesurfer-table.js'
import { isCode, type LabelTable } from './label-table.js'

/** A label value and how many voxels have it. */
export interface CodeCount {
  readonly code: number
  readonly voxels: number
}

/** What to do about labels that are not FreeSurfer's. @param classes how many, if they seem to be classes */
type Remedy = (classes?: number) => string

/** A label map in the classes of a table. */
export interface Classified {
  /** One class `0..K-1` per voxel, in the order of the labels. */
  readonly classes: Uint8Array
  /** Voxels of each class. */
  readonly voxels: readonly number[]
  /** Values that no class lists, so that the class of the rest took them; most frequent first. */
  readonly unlisted: readonly CodeCount[]
}

/**
 * Label values -> classes. `labels` has any shape; the result has the same order, one class `0..K-1` per voxel.
 *
 * @param remedy what to do about labels that are not FreeSurfer's, to end a message; gets how many classes they seem to be
 * @throws UserError as `classify`
 */
export function toClasses(
  labels: ArrayLike<number>,
  table: LabelTable,
  source = 'label map',
  remedy?: (classes?: number) => string,
): Uint8Array {
  return classify(labels, table, source, remedy).classes
}

/**
 * Label values -> classes, and what they were.
 *
 * @throws UserError for a value that is not a non-negative integer; for values in no class of a table without a rest class;
 *   and, if the table is FreeSurfer's, for a map that holds too many other codes to be one, or classes
 */
export function classify(
  labels: ArrayLike<number>,
  table: LabelTable,
  source = 'label map',
  remedy: Remedy = () => 'give the table of its labels',
): Classified {
  const counts = countCodes(labels, source)
  const listed = classFinder(table)
  const unlisted = Array.from(counts, ([code, voxels]) => ({ code, voxels }))
    .filter(({ code }) => listed(code) === undefined)
    .sort((a, b) => b.voxels - a.voxels || a.code - b.code)
  if (table === freeSurferTable) requireFreeSurfer(counts, unlisted, source, remedy)
  const { rest } = table
  if (unlisted.length > 0 && rest === undefined) {
    const [are, them] = unlisted.length === 1 ? ['is', 'it'] : ['are', 'them']
    throw new UserError(
      `${source}: ${describeCodes(unlisted)} ${are} in no class of the label table; add ${them} or name a rest class`,
    )
  }
  const classOf = new Map(Array.from(counts.keys(), (code) => [code, listed(code) ?? rest!] as const))
  const voxels = table.classes.map(() => 0)
  for (const [code, count] of counts) voxels[classOf.get(code)!]! += count
  const classes = new Uint8Array(labels.length)
  // Neighbours mostly agree, so remembering the last value saves nearly every look-up.
  let lastLabel = NaN
  let lastClass = 0
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!
    if (label !== lastLabel) {
      lastLabel = label
      lastClass = classOf.get(label)!
    }
    classes[i] = lastClass
  }
  return { classes, voxels, unlisted }
}

/** How many voxels hold each value. @throws UserError for a value that is not a label */
export function countCodes(labels: ArrayLike<number>, source = 'label map'): Map<number, number> {
  const counts = new Map<number, number>()
  let start = 0
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!
    if (label === labels[start]! && i > start) continue
    if (!isCode(label)) {
      throw new UserError(
        `${source}: voxel ${i} has the value ${label}, but labels are non-negative integers below 2^53: is this a label map?`,
      )
    }
    if (i > start) counts.set(labels[start]!, (counts.get(labels[start]!) ?? 0) + i - start)
    start = i
  }
  if (labels.length > 0) {
    counts.set(labels[start]!, (counts.get(labels[start]!) ?? 0) + labels.length - start)
  }
  return counts
}

/** Finds the class that lists a label value; undefined if none does. */
export function classFinder(table: LabelTable): (code: number) => number | undefined {
  const classOf = new Map<number, number>()
  table.classes.forEach(({ codes }, c) => {
    for (const code of codes) classOf.set(code, c)
  })
  const ranges = table.classes.flatMap(({ ranges = [] }, c) =>
    ranges.map(([first, last]) => ({ first, last, c })),
  )
  return (code) => classOf.get(code) ?? ranges.find(({ first, last }) => code >= first && code <= last)?.c
}

/**
 * Requires a map in FreeSurfer's coding. Other codings use the same small integers for other structures, and the class
 * of the rest would take whatever does not coincide; scans and other atlases hold many such values.
 */
function requireFreeSurfer(
  counts: ReadonlyMap<number, number>,
  unlisted: readonly CodeCount[],
  source: string,
  remedy: Remedy,
): void {
  requireNoClasses(counts, unlisted, source, remedy)
  const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0)
  const codes = counts.size - Number(counts.has(0))
  const labelled = sum(counts.values()) - (counts.get(0) ?? 0)
  const foreign = sum(unlisted.map(({ voxels }) => voxels))
  const many = unlisted.length >= fewCodes && unlisted.length > codes / 5
  if (!many && foreign <= labelled / 2) return
  throw new UserError(
    `${source}: does not look like FreeSurfer labels: ${unlisted.length} of its ${codes} codes, ${share(foreign, labelled)} of its labelled voxels, are not FreeSurfer's: ${describeCodes(unlisted)}; ${remedy()}`,
  )
}

/**
 * Requires that a map does not hold the classes 0..13 of FreeSurfer's table instead of their codes. A brain in codes has
 * larger ones, such as 41 for white matter, and lacks 1, 6 and 9, which classes have.
 */
function requireNoClasses(
  counts: ReadonlyMap<number, number>,
  unlisted: readonly CodeCount[],
  source: string,
  remedy: Remedy,
): void {
  const highest = Math.max(...counts.keys())
  if (unlisted.length === 0 || highest >= freeSurferTable.classes.length) return
  throw new UserError(
    `${source}: holds labels up to ${highest}, and FreeSurfer has no code ${unlisted.map(({ code }) => code).join(', ')}: it seems to hold classes; ${remedy(highest + 1)}`,
  )
}

/** So many codes that are not FreeSurfer's are no reason for doubt. */
const fewCodes = 5

function share(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(0)} %`
}

/** `label 64 (1 voxel)`, `labels 64 (20 voxels), 65 (1 voxel) and 7 more`. */
export function describeCodes(counts: readonly CodeCount[], most = 8): string {
  const shown = counts
    .slice(0, most)
    .map(({ code, voxels }) => `${code} (${voxels} voxel${voxels === 1 ? '' : 's'})`)
  const more = counts.length > most ? ` and ${counts.length - most} more` : ''
  return `label${counts.length === 1 ? '' : 's'} ${shown.join(', ')}${more}`
}

/** Classes -> label values: each class becomes its first code. @throws UserError for a class that the table lacks. */
export function toCodes(classes: Uint8Array, table: LabelTable): Float64Array {
  const codeOf = Float64Array.from(table.classes, ({ codes }) => codes[0]!)
  requireClasses(classes, table)
  const codes = new Float64Array(classes.length)
  for (let i = 0; i < classes.length; i++) codes[i] = codeOf[classes[i]!]!
  return codes
}

/** @throws UserError for a class that the table lacks */
export function requireClasses(classes: Uint8Array, { classes: { length } }: LabelTable): void {
  const wrong = classes.findIndex((c) => c >= length)
  if (wrong === -1) return
  throw new UserError(
    `voxel ${wrong} has class ${classes[wrong]!}, but the label table has ${length} classes`,
  )
}
