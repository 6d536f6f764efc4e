import { quoted, UserError } from '../../errors.js'
import { readText } from '../../io/files.js'
import type { LabelTable } from '../../sae/labels/label-table.js'
import { checkModel, type IntensityModel } from '../../sae/synth/intensities.js'
import type { Component } from '../../sae/synth/tissues.js'

/** The intensities of label codes, as a file gives them. */
interface IntensityFile {
  readonly source: string
  readonly byCode: ReadonlyMap<number, readonly Component[]>
}

/**
 * Reads intensities: `{ "classes": [{ "codes": [3, 42], "components": [{ "weight": 1, "mean": 0.25, "deviation": 0.03 }] }] }`;
 * code 0 stands for what surrounds the brain.
 *
 * @throws UserError if the file has another form
 */
export async function readIntensities(path: string): Promise<IntensityFile> {
  return parseIntensities(await readText(path), path)
}

/** As `readIntensities`, of text. */
export function parseIntensities(text: string, path: string): IntensityFile {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new UserError(`${path}: not valid JSON: ${quoted((error as Error).message, 120).slice(1, -1)}`)
  }
  const { classes } = (json ?? {}) as { classes?: unknown }
  if (!Array.isArray(classes)) {
    throw new UserError(`${path}: "classes" must be a list such as ${example}`)
  }
  const byCode = new Map<number, readonly Component[]>()
  classes.forEach((entry: unknown, c) => {
    const { codes, components } = (entry ?? {}) as { codes?: unknown; components?: unknown }
    if (!isList(codes, Number.isSafeInteger) || !isList(components, isComponent)) {
      throw new UserError(`${path}: entry ${c} of "classes" must be like those of ${example}`)
    }
    checkModel([components], 1, `${path}: entry ${c} of "classes"`)
    for (const code of codes) byCode.set(code, components)
  })
  return { source: path, byCode }
}

const example = '[{ "codes": [3, 42], "components": [{ "weight": 1, "mean": 0.25, "deviation": 0.03 }] }]'

/** The model of the painted classes; all codes of one class share their intensities. @throws UserError for a code that the file lacks */
export function modelFromFile({ source, byCode }: IntensityFile, painted: LabelTable): IntensityModel {
  return painted.classes.map(({ codes }) => {
    const components = byCode.get(codes[0]!)
    if (components === undefined) throw new UserError(`${source}: no intensities for label ${codes[0]!}`)
    return components
  })
}

function isList<T>(value: unknown, isElement: (element: unknown) => element is T): value is T[]
function isList(value: unknown, isElement: (element: unknown) => boolean): value is number[]
function isList(value: unknown, isElement: (element: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isElement)
}

function isComponent(value: unknown): value is Component {
  const { weight, mean, deviation } = (value ?? {}) as Partial<Record<keyof Component, unknown>>
  return typeof weight === 'number' && typeof mean === 'number' && typeof deviation === 'number'
}
