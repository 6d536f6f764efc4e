import { existsSync } from 'node:fs'
import { readText, readVolume } from '../../io/files.js'
import type { Volume } from '../../io/volume.js'
import { parseLabelTable } from '../../sae/labels/label-table-file.js'
import type { LabelTable } from '../../sae/labels/label-table.js'
import type { Architecture } from '../../sae/model.js'
import { divided } from '../../sae/prior/parts.js'
import { type Prior, checkPrior } from '../../sae/prior/prior.js'
import type { CarriedTable } from '../inputs/classes.js'
import { besideVolume } from '../outputs/file-names.js'
import { requireClassChannels } from '../inputs/input-headers.js'
import { writeOutput, writeOutputVolume } from '../outputs/output-files.js'
import type { Terminal } from '../terminal.js'

/** A prior on disk: probabilities, and the table of its classes if a file beside it, PRIOR.json, has one. */
export interface PriorFile {
  readonly volume: Volume
  readonly table: CarriedTable | undefined
}

/** How a prior was made, for its PRIOR.json. */
interface PriorRecipe {
  readonly sources: readonly string[]
  /** What the sources were fitted onto, and how. */
  readonly like?: string
  readonly transform?: string
  /** In millimetres. */
  readonly blur: number
  /** In millimetres. */
  readonly dilate?: number
  readonly floor: number
  readonly every: number
}

/** Reads a prior. @throws UserError if it is not one: a single channel, negative values, sums other than 1 */
export async function readPrior(path: string, terminal: Terminal): Promise<PriorFile> {
  const volume = await readVolume(path)
  for (const warning of volume.warnings ?? []) terminal.warn(warning)
  requireClassChannels(volume)
  checkPrior(volume.data, volume.grid.shape, volume.channels, path)
  return { volume, table: await readTable(tablePath(path)) }
}

/** The prior in the form that networks take. */
export function toPrior({ data, channels, grid }: Volume): Prior {
  return { data, classes: channels, shape: grid.shape }
}

/** The prior for a network of this architecture: one channel per part, if its classes are divided into parts. */
export function networkPrior(volume: Volume, { parts }: Architecture): Prior {
  const prior = toPrior(volume)
  return parts ? divided(prior, parts) : prior
}

/** Where the table of a prior's classes is kept. */
export function tablePath(prior: string): string {
  return besideVolume(prior, '.json')
}

/** The same if there is one. */
export function tableBeside(prior: string): string | undefined {
  const path = tablePath(prior)
  return existsSync(path) ? path : undefined
}

/** Writes a prior and its PRIOR.json. @throws UserError if it cannot be written */
export async function writePrior(
  path: string,
  volume: Volume,
  table: LabelTable,
  recipe: PriorRecipe,
): Promise<void> {
  await writeOutputVolume(path, volume, 'float32')
  await writeOutput(tablePath(path), `${JSON.stringify({ ...table, ...recipe }, undefined, 2)}\n`)
}

/** The table of classes in a .json, if it has one. @throws UserError if it is damaged */
export async function readTable(path: string): Promise<CarriedTable | undefined> {
  if (!existsSync(path)) return undefined
  const text = await readText(path)
  // In BIDS, the .json next to an image may hold other things.
  if (!/"classes"\s*:/.test(text)) return undefined
  return { table: parseLabelTable(text, path), source: path }
}
