import type { Variables } from '../plan/variables.js'
import type { Value } from '../graph/value.js'
import { UserError } from '../errors.js'
import { readTensors, writeFileAtomic } from '../io/files.js'
import { writeSafetensors, type Tensor } from '../io/safetensors.js'
import type { Adam } from '../optim/index.js'
import {
  checkpointInfo,
  saveCheckpoint,
  type CheckpointFile,
  type CheckpointInfo,
} from '../sae/checkpoint.js'
import { requireFiniteTensors } from '../sae/diverged.js'
import type { NamedTensor } from '../sae/model.js'
import { classesOf } from '../sae/parts.js'
import type { CarriedTable } from './classes.js'

/** Weights on disk: ours, or the reference release's. */
export interface WeightsFile extends CheckpointFile {
  readonly info: CheckpointInfo
  readonly source: string
  readonly table: CarriedTable | undefined
}

/** Reads weights (.safetensors, .pth.tar). @throws UserError if they are none of this kind */
export async function readWeights(path: string): Promise<WeightsFile> {
  const { tensors, metadata } = await readTensors(path)
  const floats = new Map<string, NamedTensor>()
  for (const [name, tensor] of tensors) if (tensor.dtype === 'F32') floats.set(name, tensor)
  const info = checkpointInfo({ tensors: floats, metadata }, path)
  const table = info.table && { table: info.table, source: path }
  return { tensors: floats, metadata, info, source: path, table }
}

/** Requires an encoder for a prior of so many channels. @throws UserError */
export function requireClasses({ info, source }: WeightsFile, channels: number, prior: string): void {
  const { parts, classes: own } = info.architecture
  const classes = parts ? classesOf(parts) : own
  if (classes === channels) return
  throw new UserError(
    `${source}: its encoder has ${classes} classes, but ${prior} has ${channels} channels: a checkpoint of another architecture`,
  )
}

/**
 * Writes weights, and with an optimiser all that training needs to go on.
 *
 * @throws UserError if the disk refuses
 * @throws DivergedError if a weight is not finite; the file of before stays then
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
  const tensors = new Map<string, Tensor>()
  for (const [name, tensor] of checkpoint.tensors) tensors.set(name, { dtype: 'F32', ...tensor })
  await writeFileAtomic(path, writeSafetensors(tensors, { ...checkpoint.metadata, ...metadata }))
}
