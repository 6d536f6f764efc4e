import {
  checkpointInfo,
  saveCheckpoint,
  type CheckpointInfo,
  type Intensities,
  type LabelTable,
  type Model,
  type NamedTensor,
  type Trainer,
  type Variables,
} from 'sae-webgpu'
import { decodeTensors, writeSafetensors, type Tensor } from 'sae-webgpu/io'
import { bytesOf } from './volumes.js'

/**
 * Weights as `sae` writes them; with a trainer, also everything that `sae train --resume` needs.
 *
 * @param whole whether the decoder is fitted; else only the encoder is written, so that whoever reads it fits a decoder
 */
export async function encodeCheckpoint(
  model: Model,
  variables: Variables,
  whole: boolean,
  table: LabelTable,
  intensities: Intensities,
  trainer: Trainer | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const { architecture } = model
  const { parameters } = whole ? model : model.encoder
  const training = trainer && { settings: trainer.settings, progress: trainer.progress }
  const info = { architecture, table, intensities, training }
  const checkpoint = await saveCheckpoint(variables, parameters, info, trainer?.optimiser)
  const tensors = new Map<string, Tensor>()
  for (const [name, tensor] of checkpoint.tensors) tensors.set(name, { dtype: 'F32', ...tensor })
  return new Uint8Array(writeSafetensors(tensors, checkpoint.metadata))
}

/** Reads our weights or the reference release's. @throws UserError if the file is neither */
export function decodeCheckpoint(
  bytes: Uint8Array,
  source: string,
): { readonly tensors: ReadonlyMap<string, NamedTensor>; readonly info: CheckpointInfo } {
  const { tensors, metadata } = decodeTensors(bytes, source)
  const floats = new Map<string, NamedTensor>()
  for (const [name, tensor] of tensors) if (tensor.dtype === 'F32') floats.set(name, tensor)
  return { tensors: floats, info: checkpointInfo({ tensors: floats, metadata }, source) }
}

/** Reads a file of weights. @throws UserError as `decodeCheckpoint` */
export async function readCheckpoint(file: File): Promise<ReturnType<typeof decodeCheckpoint>> {
  return decodeCheckpoint(await bytesOf(file, file.name), file.name)
}

/** What weights have learnt, in a few words. */
export function historyOf({ training }: CheckpointInfo): string {
  return training ? `trained for ${training.progress.epoch} epochs` : 'weights of an encoder'
}
