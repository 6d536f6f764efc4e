import type { Variables } from '../../src/plan/variables.js'
import type { Gpu } from '../../src/gpu/gpu.js'
import { diceScores, meanDice } from '../../src/sae/metrics/dice.js'
import { foregroundClasses, type LabelTable } from '../../src/sae/labels/label-table.js'
import type { FittedMixture } from '../../src/sae/mixture/gaussian-mixture.js'
import type { Model } from '../../src/sae/model.js'
import { withMixtures } from '../../src/sae/prior/parts.js'
import type { Prior } from '../../src/sae/prior/prior.js'
import { Segmenter, type SegmentationOptions } from '../../src/sae/segmenter.js'
import type { TrainingSettings } from '../../src/sae/settings.js'
import { Trainer, type TrainingStep, type NoiseEstimates } from '../../src/sae/training/trainer.js'
import type { Subject } from './anatomies.js'
import type { Refinement } from './study.js'

/** One epoch, and the weights at its end. Losses are means over the epoch's steps, as `TrainingStep` has them. */
export interface LogEntry {
  /** 0 before the first step, when there are no losses yet. */
  readonly epoch: number
  readonly step: number
  readonly losses?: {
    readonly loss: number
    readonly kl: number
    readonly mrf: number
    readonly meanSquaredError: number
    readonly weight: number
  }
  /** Mean over subjects and foreground classes. */
  readonly dice: number
  /** As `dice`, but against the segmentations by expectation maximisation instead of the truth. */
  readonly agreement?: number
}

/** How a run is scored during training. */
export interface Scoring {
  /** Epochs between scores. */
  readonly every: number
  readonly table: LabelTable
  /** Segmentations by expectation maximisation, one for each subject. */
  readonly reference?: readonly Uint8Array[]
}

/** A network's results on the subjects. */
export interface Learnt {
  /** One for each subject. */
  readonly segmentations: readonly Uint8Array[]
  readonly log: readonly LogEntry[]
  /** Without the time for scores. */
  readonly seconds: number
}

/** A network with its weights, and the scans and prior that it works on. */
export interface NetworkRun {
  readonly model: Model
  readonly variables: Variables
  readonly prior: Prior
  readonly scans: readonly Subject[]
  /** Fitted to the scans, if training uses them. */
  readonly mixtures?: readonly FittedMixture[] | undefined
  readonly refinement?: Refinement | undefined
}

/** Called after every step of a stage. */
export type OnStep = (stage: string, step: number, steps: number) => void

/**
 * Trains on the subjects and segments them.
 *
 * @param noise what is known of it at first
 */
export async function learn(
  gpu: Gpu,
  learner: NetworkRun,
  settings: TrainingSettings,
  noise: NoiseEstimates,
  scoring: Scoring | undefined,
  onStep?: OnStep,
): Promise<Learnt> {
  const { model, variables, prior } = learner
  // Without their truth: the trainer would score scans that have one, and every step would wait for its segmentation.
  const bare = learner.scans.map(({ name, data }) => ({ name, data }))
  const scans = learner.mixtures ? withMixtures(bare, learner.mixtures, prior.parts) : bare
  const steps = settings.epochs * Math.ceil(scans.length / settings.batchSize)
  const trainer = new Trainer(gpu, model, variables, prior, settings, {
    epoch: 0,
    step: 0,
    ...noise,
  })
  const scores = scoring && (await Scores.create(gpu, learner, scoring))
  let seconds = 0
  let epoch: TrainingStep[] = []
  try {
    await scores?.add(0, 0, [])
    let start = performance.now()
    for await (const step of trainer.train(scans, { ahead: true })) {
      onStep?.('training', step.step, steps)
      epoch.push(step)
      if (!step.lastOfEpoch) continue
      seconds += (performance.now() - start) / 1000
      if (scores && (step.epoch % scoring.every === 0 || step.epoch === settings.epochs))
        await scores.add(step.epoch, step.step, epoch)
      epoch = []
      start = performance.now()
    }
  } finally {
    trainer.dispose()
    scores?.dispose()
  }
  const { segmentations, seconds: last } = await segmentAll(gpu, learner)
  return { segmentations, log: scores?.log ?? [], seconds: seconds + last }
}

/** Segments the subjects with the current weights. */
export async function segmentAll(
  gpu: Gpu,
  { model, variables, prior, scans, refinement }: NetworkRun,
): Promise<Omit<Learnt, 'log'>> {
  const start = performance.now()
  const segmenter = await Segmenter.create(gpu, model, variables, prior, options(refinement))
  try {
    const segmentations = await segmentEach(segmenter, scans)
    return { segmentations, seconds: (performance.now() - start) / 1000 }
  } finally {
    segmenter.dispose()
  }
}

async function segmentEach(segmenter: Segmenter, scans: readonly Subject[]): Promise<Uint8Array[]> {
  const segmentations: Uint8Array[] = []
  for (const { data } of scans) segmentations.push((await segmenter.segment(data)).classes)
  return segmentations
}

function options(refinement: Refinement | undefined): SegmentationOptions {
  return refinement ? { ...refinement } : {}
}

/** The log of a scored run. */
class Scores {
  readonly log: LogEntry[] = []

  private constructor(
    private readonly segmenter: Segmenter,
    private readonly scans: readonly Subject[],
    private readonly scoring: Scoring,
  ) {}

  static async create(
    gpu: Gpu,
    { model, variables, prior, scans, refinement }: NetworkRun,
    scoring: Scoring,
  ): Promise<Scores> {
    const segmenter = await Segmenter.create(gpu, model, variables, prior, options(refinement))
    return new Scores(segmenter, scans, scoring)
  }

  async add(epoch: number, step: number, steps: readonly TrainingStep[]): Promise<void> {
    const { table, reference } = this.scoring
    const segmentations = await segmentEach(this.segmenter, this.scans)
    const against = (truths: readonly Uint8Array[]): number =>
      mean(segmentations.map((classes, i) => foregroundDice(classes, truths[i]!, table)))
    const of = (value: (step: TrainingStep) => number): number => mean(steps.map(value))
    this.log.push({
      epoch,
      step,
      ...(steps.length === 0
        ? {}
        : {
            losses: {
              loss: of(({ loss }) => loss),
              kl: of(({ klLoss }) => klLoss),
              mrf: of(({ mrfLoss }) => mrfLoss),
              meanSquaredError: of(({ meanSquaredError }) => meanSquaredError),
              weight: of(({ weight }) => weight),
            },
          }),
      dice: against(this.scans.map(({ truth }) => truth)),
      ...(reference ? { agreement: against(reference) } : {}),
    })
  }

  dispose(): void {
    this.segmenter.dispose()
  }
}

function foregroundDice(classes: Uint8Array, truth: Uint8Array, table: LabelTable): number {
  return meanDice(diceScores(classes, truth, table.classes.length), foregroundClasses(table))
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
