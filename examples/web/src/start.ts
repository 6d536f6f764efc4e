import {
  createModel,
  dividedByFits,
  emOf,
  fitMixtures,
  forChannels,
  partCounts,
  partCountsOf,
  recipes,
  withMixtures,
  type Architecture,
  type FittedMixture,
  type Gpu,
  type Model,
  type Prior,
  type TrainingScan,
} from 'sae-webgpu'
import type { Knowledge } from './data-set.js'
import { priorFor } from './network.js'
import type { EngineEvent, RunSettings } from './protocol.js'

/** What a run learns from. */
export interface Lesson {
  readonly model: Model
  /** With a channel for each part of the model. */
  readonly prior: Prior
  /** With their mixtures, if the recipe learns from these. */
  readonly scans: readonly TrainingScan[]
}

/** What fitting mixtures takes. */
interface Circumstances {
  readonly gpu: Gpu
  readonly knowledge: Knowledge
  /** Scaled as the network expects. */
  readonly scans: readonly TrainingScan[]
  /** Of each scan. */
  readonly channels: number
  readonly settings: RunSettings
  readonly emit: (event: EngineEvent) => void
  readonly signal: AbortSignal
}

/**
 * A new network and what it learns from. The default recipe fits a Gaussian mixture to each scan, whose components are the
 * parts of the classes. Undefined if stopped.
 */
export async function newLesson(circumstances: Circumstances): Promise<Lesson | undefined> {
  const { knowledge, scans, channels, settings } = circumstances
  const { prior, table } = knowledge
  const architecture = forChannels(architectureOf(settings, prior.classes), channels)
  if (!learnsFromMixtures(settings)) return { model: createModel(architecture, settings.seed), prior, scans }
  const counts = partCounts(table, recipes[settings.recipe].mixture.parts)
  const fits = await fit(circumstances, counts)
  if (!fits) return undefined
  const { architecture: whole, ...rest } = dividedByFits({ architecture, prior, scans }, fits, counts)
  return { model: createModel(whole, settings.seed), ...rest }
}

/** What a network that there is already learns from. Undefined if stopped. */
export async function lessonFor(model: Model, circumstances: Circumstances): Promise<Lesson | undefined> {
  const { knowledge, scans, settings } = circumstances
  const prior = priorFor(model, knowledge.prior)
  if (!learnsFromMixtures(settings)) return { model, prior, scans }
  const { architecture } = model
  const fits = await fit(circumstances, partCountsOf(architecture))
  return fits && { model, prior, scans: withMixtures(scans, fits, architecture.parts) }
}

async function fit(
  { gpu, knowledge, scans, channels, settings, emit, signal }: Circumstances,
  counts: readonly number[],
): Promise<FittedMixture[] | undefined> {
  const { memoryLimit } = settings
  const options = { ...emOf(recipes[settings.recipe].mixture, counts), channels, memoryLimit }
  const tell = (done: number): void => {
    const text = `Fitting a Gaussian mixture to each scan: ${done} of ${scans.length}`
    emit({ type: 'preparing', text, share: done / scans.length })
  }
  tell(0)
  const fits = await fitMixtures(gpu, scans, knowledge.prior, options, ({ index }) => {
    tell(index + 1)
    return !signal.aborted
  })
  return fits.length === scans.length && !signal.aborted ? fits : undefined
}

function learnsFromMixtures({ recipe }: RunSettings): boolean {
  return recipes[recipe].pretraining.settings.target === 'mixture'
}

function architectureOf({ recipe, network }: RunSettings, classes: number): Architecture {
  const own = recipes[recipe].architecture(classes)
  return network === 'recipe' ? own : { ...own, widths: [4, 16, 32, 64], instanceNorm: true }
}
