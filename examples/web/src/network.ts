import {
  applyScaling,
  createModel,
  divided,
  joinChannels,
  loadTensors,
  scalingFor,
  UserError,
  Variables,
  type CheckpointInfo,
  type Gpu,
  type Intensities,
  type NamedTensor,
  type Model,
  type Prior,
  type TrainingScan,
} from 'sae-webgpu'
import { contrastsOf, requireContrasts } from './contrasts.js'
import type { DataSet, Knowledge, Scan } from './data-set.js'

/** A network with its weights on the device. */
export interface Network {
  readonly model: Model
  readonly variables: Variables
  /** The scaling of intensities that it expects. */
  readonly intensities: Intensities
  /** Whether its decoder has been fitted. */
  readonly hasDecoder: boolean
}

/** A scan [C, D, H, W], each of its contrasts scaled to 0..1 as a network expects. */
export function scaledFor(
  { intensities }: Pick<Network, 'intensities'>,
  scan: Scan,
): TrainingScan & { readonly data: Float32Array } {
  const scaled = contrastsOf(scan).map(({ data }) => applyScaling(data, scalingFor(intensities, data)))
  const { name, truth } = scan
  return { name, data: joinChannels(scaled), ...(truth ? { truth } : {}) }
}

/** The prior for a network: one channel per part, if its classes are divided into parts. */
export function priorFor({ architecture: { parts } }: Model, prior: Prior): Prior {
  return parts ? divided(prior, parts) : prior
}

/**
 * Initialises weights on the device from a seed, then overwrites those that a file has.
 *
 * @param tensors of a file, of an encoder at least
 * @throws UserError if they do not fit
 */
export function createNetwork(
  gpu: Gpu,
  { architecture, intensities }: Pick<CheckpointInfo, 'architecture' | 'intensities'>,
  seed: number,
  tensors: ReadonlyMap<string, NamedTensor> | undefined,
  source: string,
): Network {
  const model = createModel(architecture, seed)
  const variables = new Variables(gpu)
  const hasDecoder = tensors?.has('decoder.weight') ?? false
  const wanted = hasDecoder ? model.parameters : model.encoder.parameters
  if (tensors) loadTensors(variables, wanted, tensors, source)
  return { model, variables, intensities, hasDecoder }
}

/** @throws UserError unless weights have the classes of a prior, whole or in parts, and take scans with as many contrasts */
export function requireFits(
  info: Pick<CheckpointInfo, 'architecture'>,
  { scans }: DataSet,
  { prior }: Knowledge,
  source: string,
): void {
  requireClasses(info, prior, source)
  requireContrasts(info, scans, source)
}

function requireClasses(
  { architecture: { classes, parts } }: Pick<CheckpointInfo, 'architecture'>,
  prior: Prior,
  source: string,
): void {
  const own = parts ? parts.at(-1)!.class + 1 : classes
  if (own === prior.classes) return
  throw new UserError(`${source}: its encoder has ${own} classes, but the prior has ${prior.classes}`)
}
