import { printable, UserError } from '../errors.js'

/** One class (channel) of a segmentation. `codes` are the label values that belong to it; the first one represents it. */
export interface LabelClass {
  /** For example `cerebral white matter`. */
  readonly name: string
  /** For example `wm`; a column of logs and tables. */
  readonly abbreviation: string
  /** Label values, non-negative integers; each belongs to at most one class of a table. */
  readonly codes: readonly number[]
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
/** Images hold labels as 32-bit integers at most. */
export const maxCode = 2 ** 31 - 1
const longestName = 100

function labelClass(name: string, abbreviation: string, ...codes: number[]): LabelClass {
  return { name, abbreviation, codes }
}

/**
 * The 14 classes of the SAE paper in FreeSurfer codes, both sides merged (SAE.md, "Classes").
 * Every other label is class 13, written back as FreeSurfer's "undetermined".
 */
export const freeSurferTable: LabelTable = {
  classes: [
    labelClass('background', 'bg', 0),
    labelClass('pallidum', 'pal', 13, 52),
    labelClass('amygdala', 'amy', 18, 54),
    labelClass('caudate', 'cau', 11, 50),
    labelClass('cerebral cortex', 'ctx', 3, 42),
    labelClass('hippocampus', 'hip', 17, 53),
    labelClass('thalamus', 'tha', 10, 49),
    labelClass('putamen', 'put', 12, 51),
    labelClass('cerebral white matter', 'wm', 2, 41),
    labelClass('cerebellum cortex', 'cbctx', 8, 47),
    labelClass('lateral ventricle', 'lv', 4, 43),
    labelClass('cerebellum white matter', 'cbwm', 7, 46),
    labelClass('brain-stem', 'bs', 16),
    labelClass('other', 'other', 29, 61),
  ],
  rest: 13,
}

/** The table of a label map whose values are already the classes `0..count-1`. @throws UserError unless count is 2..64. */
export function identityTable(count: number): LabelTable {
  return checkLabelTable(
    {
      classes: Array.from({ length: count }, (_, c) =>
        labelClass(c === 0 ? 'background' : `class ${c}`, c === 0 ? 'bg' : `c${c}`, c),
      ),
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
  const owner = new Map<number, number>()
  classes.forEach(({ name, abbreviation, codes }, c) => {
    // They go into tables of one line for each class.
    for (const text of [name, abbreviation]) {
      if (text.length > longestName || printable(text) !== text || /[\t\n]/.test(text)) {
        throw new UserError(
          `${source}: the name of class ${c} must be printable text on one line, of at most ${longestName} characters`,
        )
      }
    }
    if (codes.length === 0) {
      throw new UserError(
        `${source}: class ${c} (${name}) has no codes; give the label value that stands for it`,
      )
    }
    for (const code of codes) {
      if (!Number.isInteger(code) || code < 0 || code > maxCode) {
        throw new UserError(
          `${source}: class ${c} (${name}) has the code ${code}; codes are integers from 0 to ${maxCode}`,
        )
      }
      if (owner.has(code)) {
        throw new UserError(
          `${source}: code ${code} is in class ${owner.get(code)!} and in class ${c}; keep one`,
        )
      }
      owner.set(code, c)
    }
  })
  return table
}

/**
 * Label values -> classes. `labels` has any shape; the result has the same order, one class `0..K-1` per voxel.
 *
 * @throws UserError for a value that is not a non-negative integer, or that a table without a rest class does not list.
 */
export function toClasses(labels: Float32Array, table: LabelTable, source = 'label map'): Uint8Array {
  const classOf = new Map<number, number>()
  table.classes.forEach(({ codes }, c) => {
    for (const code of codes) classOf.set(code, c)
  })
  const classes = new Uint8Array(labels.length)
  // Neighbours mostly agree, so remembering the last value saves nearly every look-up.
  let lastLabel = NaN
  let lastClass = 0
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!
    if (label !== lastLabel) {
      if (!Number.isInteger(label) || label < 0) {
        throw new UserError(
          `${source}: voxel ${i} has the value ${label}, but labels are non-negative integers`,
        )
      }
      const found = classOf.get(label) ?? table.rest
      if (found === undefined) {
        throw new UserError(
          `${source}: label ${label} (voxel ${i}) is in no class of the label table; add it or name a rest class`,
        )
      }
      lastLabel = label
      lastClass = found
    }
    classes[i] = lastClass
  }
  return classes
}

/** Classes -> label values: each class becomes its first code. @throws UserError for a class that the table lacks. */
export function toCodes(classes: Uint8Array, table: LabelTable): Int32Array {
  const codeOf = Int32Array.from(table.classes, ({ codes }) => codes[0]!)
  const codes = new Int32Array(classes.length)
  for (let i = 0; i < classes.length; i++) {
    const code = codeOf[classes[i]!]
    if (code === undefined) {
      throw new UserError(
        `voxel ${i} has class ${classes[i]!}, but the label table has ${codeOf.length} classes`,
      )
    }
    codes[i] = code
  }
  return codes
}
