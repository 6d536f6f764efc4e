import { createHash } from 'node:crypto'
import type { Variables } from '../../plan/variables.js'
import type { Value } from '../../graph/value.js'
import { UserError } from '../../errors.js'
import { readTensors } from '../../io/files.js'
import { writeSafetensors, type Tensor } from '../../io/safetensors.js'
import type { Adam } from '../../optim/index.js'
import {
  checkpointInfo,
  saveCheckpoint,
  type CheckpointFile,
  type CheckpointInfo,
} from '../../sae/checkpoint.js'
import { requireFiniteTensors } from '../../sae/training/diverged.js'
import { channelsOf, type NamedTensor } from '../../sae/model.js'
import { classesOf } from '../../sae/prior/parts.js'
import { counted } from '../counted.js'
import { channelsOfScans } from './channel-files.js'
import type { CarriedTable } from './classes.js'
import { writeOutput } from '../outputs/output-files.js'

/** Weights on disk: ours, or the reference release's. */
export interface WeightsFile extends CheckpointFile {
  readonly info: CheckpointInfo
  readonly source: string
  readonly table: CarriedTable | undefined
}

/** Reads weights (.safetensors, .pth.tar). @throws UserError if the file holds anything else or is damaged */
export async function readWeights(path: string): Promise<WeightsFile> {
  const { tensors, metadata } = await readTensors(path)
  if (metadata.checksum !== undefined && metadata.checksum !== checksumOf(tensors, metadata)) {
    throw new UserError(
      `${path}: its checksum does not match: the file is damaged; take another copy, or a checkpoint of another moment`,
    )
  }
  const floats = new Map<string, NamedTensor>()
  for (const [name, tensor] of tensors) if (tensor.dtype === 'F32') floats.set(name, tensor)
  const info = checkpointInfo({ tensors: floats, metadata }, path)
  const table = info.table && { table: info.table, source: path }
  return { tensors: floats, metadata, info, source: path, table }
}

/** Requires an encoder with one class per channel of the prior. @throws UserError */
export function requireClasses({ info, source }: WeightsFile, channels: number, prior: string): void {
  const { parts, classes: own } = info.architecture
  const classes = parts ? classesOf(parts) : own
  if (classes === channels) return
  throw new UserError(
    `${source}: its encoder has ${classes} classes, but ${prior} has ${channels} channels; use weights and a prior with the same classes`,
  )
}

/** Requires an encoder for scans of this many channels. @throws UserError */
export function requireChannels({ info, source }: WeightsFile, scans: readonly string[]): void {
  const [wanted, given] = [channelsOf(info.architecture), channelsOfScans(scans)]
  if (wanted === given) return
  const remedy =
    wanted === 1
      ? 'give one file per scan'
      : `join the ${wanted} files of a scan with commas, in the order of the training, t1.nii.gz,t2.nii.gz`
  throw new UserError(
    `${source}: its encoder is for scans of ${counted(wanted, 'channel')}, but ${scans[0]!} is one of ${counted(given, 'channel')}; ${remedy}`,
  )
}

/** Requires a decoder too. @throws UserError */
export function requireDecoder({ tensors, source }: WeightsFile): void {
  if (tensors.has('decoder.weight')) return
  throw new UserError(
    `${source}: has no decoder, which --reconstruction needs; give weights that sae train wrote, or leave out --reconstruction`,
  )
}

/**
 * Writes weights and, given an optimiser, all that training needs to resume.
 *
 * @throws UserError if the file cannot be written
 * @throws DivergedError if a weight is not finite; the file keeps its old content then
 */
export async function writeWeights(
  path: string,
  variables: Variables,
  parameters: readonly Value[],
  info: CheckpointInfo,
  optimiser?: Adam,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const checkpoint = await saveCheckpoint(variables, parameters, info, optimiser)
  requireFiniteTensors('learning', info.training?.progress.step ?? 0, checkpoint.tensors)
  await writeTensorFile(path, checkpoint.tensors, { ...checkpoint.metadata, ...metadata })
}

/** Writes tensors and what is said of them, with a checksum of both. @throws UserError if the file cannot be written */
export async function writeTensorFile(
  path: string,
  floats: ReadonlyMap<string, NamedTensor>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const tensors = new Map<string, Tensor>()
  for (const [name, tensor] of floats) tensors.set(name, { dtype: 'F32', ...tensor })
  const checksum = checksumOf(tensors, metadata)
  await writeOutput(path, writeSafetensors(tensors, { ...metadata, checksum }))
}

/** SHA-256 of all that a file holds beside the checksum itself, in the order of the names. */
function checksumOf(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>>,
): string {
  const hash = createHash('sha256')
  const texts = Object.entries(metadata).filter(([name]) => name !== 'checksum')
  hash.update(JSON.stringify(texts.sort(byName)))
  for (const [name, { dtype, shape, data }] of Array.from(tensors).sort(byName)) {
    hash.update(JSON.stringify([name, dtype, shape]))
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }
  return hash.digest('hex')
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}
