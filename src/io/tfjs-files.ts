import { dirname, join } from 'node:path'
import { UserError } from '../errors.js'
import { readBytes, readText, requireFile } from './files.js'
import { decodeTfjsModel, describeTfjsModel, type TfjsLayer } from './tfjs-model.js'

/**
 * Reads a TensorFlow.js layers model such as brainchop's (`describeTfjsModel`): `model.json`, and the files of weights
 * beside it.
 *
 * @param path the folder, or its `model.json`
 * @throws UserError if a file cannot be read, or the model is not supported
 */
export async function readTfjsModel(path: string): Promise<TfjsLayer[]> {
  const json = jsonOf(path)
  const description = describeTfjsModel(await readText(json), json)
  const files = description.shards.map((shard) => join(dirname(json), shard))
  let length = 0
  for (const file of files) length += await requireFile(file)
  if (length !== description.bytes)
    throw new UserError(
      `${json}: its weights take ${description.bytes} bytes, but ${files.join(', ')} hold ${length}`,
    )
  const shards: Uint8Array[] = []
  for (const file of files) shards.push(await readBytes(file))
  return decodeTfjsModel(description, shards, json)
}

/** The files of a TensorFlow.js layers model, `model.json` first. @throws UserError as `readTfjsModel` */
export async function tfjsModelFiles(path: string): Promise<string[]> {
  const json = jsonOf(path)
  const { shards } = describeTfjsModel(await readText(json), json)
  return [json, ...shards.map((shard) => join(dirname(json), shard))]
}

function jsonOf(path: string): string {
  return /\.json$/i.test(path) ? path : join(path, 'model.json')
}
