import type { Value } from '../graph/value.js'
import type { Variables } from '../plan/variables.js'
import { quoted, UserError } from '../errors.js'
import type { Optimiser } from '../optim/index.js'
import type { Intensities } from './intensity.js'
import { parseJsonTable } from './labels/label-table-json.js'
import type { LabelTable } from './labels/label-table.js'
import { architectureOf, type Architecture, type NamedTensor } from './model.js'
import type { TrainingProgress } from './training/trainer.js'
import { requireProgress, requireTrainingSettings } from './training/saved-training.js'
import type { TrainingSettings } from './settings.js'
import { requireParts } from './prior/parts.js'

/** A checkpoint as files hold it: named tensors and text (safetensors). */
export interface CheckpointFile {
  /** Weights and, if training can resume, the optimiser's state, by name. */
  readonly tensors: ReadonlyMap<string, NamedTensor>
  /** Architecture, classes and progress, each as JSON; how intensities are scaled. */
  readonly metadata: Readonly<Record<string, string>>
}

/** What a checkpoint says about itself, besides its tensors. */
export interface CheckpointInfo {
  /** The model's architecture. */
  readonly architecture: Architecture
  /** The classes, if known: the reference release's files do not say. */
  readonly table: LabelTable | undefined
  /** How scans were scaled in training, and must be for these weights. */
  readonly intensities: Intensities
  /** Present if training can resume from here. */
  readonly training:
    | {
        /** What it was trained with. */
        readonly settings: TrainingSettings
        /** How far it got. */
        readonly progress: TrainingProgress
      }
    | undefined
}

const format = 'sae-webgpu 1'

/** Gathers weights, optimiser state and settings into a checkpoint. */
export async function saveCheckpoint(
  variables: Variables,
  parameters: readonly Value[],
  info: CheckpointInfo,
  optimiser?: Optimiser,
): Promise<CheckpointFile> {
  return {
    tensors: await variables.readAll([...parameters, ...(optimiser?.state ?? [])]),
    metadata: checkpointMetadata(info),
  }
}

/** What a checkpoint says about itself, as files hold it. */
export function checkpointMetadata(info: CheckpointInfo): Readonly<Record<string, string>> {
  return {
    format,
    architecture: JSON.stringify(info.architecture),
    intensities: info.intensities,
    ...(info.table ? { classes: JSON.stringify(info.table) } : {}),
    ...(info.training ? { training: JSON.stringify(info.training) } : {}),
  }
}

/**
 * Reads what a checkpoint says about itself. A file without our metadata (the reference release's weights) is
 * recognised by the shapes of its tensors.
 *
 * @throws UserError if the metadata is broken or there is no encoder in it
 */
export function checkpointInfo({ tensors, metadata }: CheckpointFile, source: string): CheckpointInfo {
  const shapes = architectureOf(tensors, source)
  if (metadata.format === undefined) {
    return {
      architecture: { ...shapes, instanceNorm: false, priorLogits: false },
      table: undefined,
      intensities: 'unit',
      training: undefined,
    }
  }
  if (metadata.format !== format)
    throw new UserError(`${source}: unknown checkpoint format ${quoted(metadata.format)}`)
  const { instanceNorm, priorLogits, parts } = parse(metadata.architecture ?? '{}', source)
  if (typeof instanceNorm !== 'boolean') {
    throw new UserError(`${source}: the checkpoint does not state its architecture`)
  }
  return {
    architecture: {
      ...shapes,
      instanceNorm,
      priorLogits: priorLogits === true,
      ...(parts === undefined ? {} : { parts: requireParts(parts, shapes.classes, source) }),
    },
    table: metadata.classes === undefined ? undefined : parseJsonTable(metadata.classes, source),
    intensities: parseIntensities(metadata.intensities, source),
    training: parseTraining(metadata.training, source),
  }
}

function parseTraining(text: string | undefined, source: string): CheckpointInfo['training'] {
  if (text === undefined) return undefined
  const { settings, progress } = parse(text, source)
  return {
    settings: requireTrainingSettings(settings, source),
    progress: requireProgress(progress, source),
  }
}

/** Files from before this choice existed hold weights for scans in 0..1. */
function parseIntensities(text = 'unit', source: string): Intensities {
  if (text === 'unit' || text === 'robust') return text
  throw new UserError(`${source}: unknown scaling of intensities ${quoted(text)}; it is robust or unit`)
}

function parse(text: string, source: string): Readonly<Record<string, unknown>> {
  try {
    // What is no object, such as `null`, has no fields.
    return Object(JSON.parse(text)) as Readonly<Record<string, unknown>>
  } catch {
    throw new UserError(`${source}: the checkpoint's metadata is not JSON`)
  }
}
