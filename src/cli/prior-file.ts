import { existsSync } from 'node:fs'
import { readBytes, readVolume, writeFileAtomic, writeVolume } from '../io/files.js'
import { UserError } from '../errors.js'
import type { Volume, VolumeHeader } from '../io/volume.js'
import { parseLabelTable } from '../sae/label-table-file.js'
import type { LabelTable } from '../sae/label-table.js'
import type { Architecture } from '../sae/model.js'
import { divided } from '../sae/parts.js'
import { type Prior, checkPrior } from '../sae/prior.js'
import type { CarriedTable } from './classes.js'
import { besideVolume } from './file-names.js'
import type { Terminal } from './terminal.js'

/** A prior on disk: probabilities, and the table of its classes if a file beside it, PRIOR.json, has one. */
export interface PriorFile {
  readonly volume: Volume
  readonly table: CarriedTable | undefined
}

/** How a prior was made, for its PRIOR.json. */
interface PriorRecipe {
  readonly sources: readonly string[]
  /** In millimetres. */
  readonly blur: number
  readonly floor: number
  readonly every: number
}

/** Reads a prior. @throws UserError if it is none: one channel, negative values, sums other than 1 */
export async function readPrior(path: string, terminal: Terminal): Promise<PriorFile> {
  const volume = await readVolume(path)
  for (const warning of volume.warnings ?? []) terminal.warn(warning)
  requirePriorChannels(volume)
  checkPrior(volume.data, volume.grid.shape, volume.channels, path)
  return { volume, table: await readTable(besideVolume(path, '.json')) }
}

/** @throws UserError for a volume with one channel */
export function requirePriorChannels({ channels, source }: VolumeHeader): void {
  if (channels > 1) return
  throw new UserError(`${source}: has one channel; a prior has one for each class, so make it with sae prior`)
}

/** As the networks take it. */
export function toPrior({ data, channels, grid }: Volume): Prior {
  return { data, classes: channels, shape: grid.shape }
}

/** As a network of this architecture takes it: with a channel for each part of a class, if its classes are divided. */
export function networkPrior(volume: Volume, { parts }: Architecture): Prior {
  const prior = toPrior(volume)
  return parts ? divided(prior, parts) : prior
}

/** Writes a prior and its PRIOR.json. @throws UserError if the disk refuses */
export async function writePrior(
  path: string,
  volume: Volume,
  table: LabelTable,
  recipe: PriorRecipe,
): Promise<void> {
  await writeVolume(path, volume, 'float32')
  const text = JSON.stringify({ ...table, ...recipe }, undefined, 2)
  await writeFileAtomic(besideVolume(path, '.json'), new TextEncoder().encode(`${text}\n`))
}

/** The table of classes in a .json, if it has one. @throws UserError if it is damaged */
export async function readTable(path: string): Promise<CarriedTable | undefined> {
  if (!existsSync(path)) return undefined
  const text = new TextDecoder().decode(await readBytes(path))
  // BIDS keeps other things in a .json beside an image.
  if (!/"classes"\s*:/.test(text)) return undefined
  return { table: parseLabelTable(text, path), source: path }
}
