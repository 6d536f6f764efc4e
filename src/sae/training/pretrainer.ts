import type { FiniteCheckOptions } from '../../plan/check-finite.js'
import type { DispatchRow } from '../../plan/describe.js'
import { input, type Value } from '../../graph/value.js'
import type { Variables } from '../../plan/variables.js'
import type { Gpu } from '../../gpu/gpu.js'
import { argmax, crossEntropy } from '../../ops/index.js'
import { Adam } from '../../optim/index.js'
import { repeat, stepsOfEpoch, type TrainingScan } from './batches.js'
import { requireFiniteTerms } from './diverged.js'
import { Learner, type LearningGraph, type LearnOptions, type StepRecord, type Turn } from './learner.js'
import { scheduledRate } from './learning-rate.js'
import {
  mixtureFormOf,
  mixtureInputs,
  mixtureTarget,
  type MixtureForm,
  type MixtureTarget,
} from '../mixture/mixture-target.js'
import { channelsOf, modelLogits, type Model } from '../model.js'
import { partCountsOf } from '../prior/parts.js'
import type { Draft, MemoryOptions, Preparation } from '../plan-by-batch.js'
import type { Prior } from '../prior/prior.js'
import { regionShape } from '../prior/region.js'
import { checkOptimiserSettings, type PretrainingSettings } from '../settings.js'

/** What one pretraining step found. */
export interface PretrainingStep extends StepRecord {
  /** Mean over voxels and batch. */
  readonly crossEntropy: number
}

/** Progress of pretraining, besides the weights. */
export interface PretrainingProgress {
  /** Complete epochs. */
  readonly epoch: number
  /** Complete steps, over all epochs. */
  readonly step: number
  /** Complete steps of the running epoch. */
  readonly stepOfEpoch: number
}

interface PretrainingGraph extends LearningGraph {
  readonly mixture: MixtureTarget | undefined
}

/**
 * Pretrains the encoder to predict, from a scan, the prior (docs/equations.md, "Networks") or the posterior of a Gaussian
 * mixture. Without such a start, the straight-through objective often collapses. Weights live in `variables`, which the caller
 * owns.
 */
export class Pretrainer {
  /** Adam of the encoder's parameters. */
  readonly optimiser: Adam
  /** Of the scans' mixtures, if they are the target. */
  private form: MixtureForm | undefined
  private readonly learner: Learner<PretrainingGraph, PretrainingStep>
  /** Of the whole run, for the learning rate. */
  private steps = Infinity

  /** @throws UserError on settings out of range */
  constructor(
    gpu: Gpu,
    private readonly model: Model,
    private readonly variables: Variables,
    private readonly prior: Prior,
    /** Epochs, batch size, learning rate and so on. */
    readonly settings: PretrainingSettings,
    /** Where it resumes, besides the weights and the moments of `optimiser`. Default: at the beginning. */
    progress: PretrainingProgress = { epoch: 0, step: 0, stepOfEpoch: 0 },
    private readonly memory: MemoryOptions = {},
  ) {
    checkOptimiserSettings(settings)
    const { weightDecay, maxNorm } = settings
    this.optimiser = new Adam(model.encoder.parameters, {
      learningRate: (step) => scheduledRate(settings, step, this.steps),
      weightDecay,
      ...(maxNorm ? { maxNorm } : {}),
    })
    const lesson = {
      build: (batch: number) => this.build(batch),
      inputs: (graph: PretrainingGraph, turn: Turn) => this.inputs(graph, turn),
      finish: (record: StepRecord, [crossEntropy]: readonly Float32Array[]) =>
        finish(record, crossEntropy![0]!),
    }
    this.learner = new Learner(gpu, lesson, settings, prior, memory, progress)
  }

  /**
   * Compiles the plans now, so that the first step does not have to.
   *
   * @throws UserError if they do not fit into memory
   * @throws Error if the target is a mixture and a scan has none
   */
  async prepare(scans: readonly TrainingScan[]): Promise<Preparation> {
    this.requireMixtures(scans)
    return this.learner.prepare(scans.length)
  }

  /**
   * Pretrains up to the last epoch, one step at a time. Stop early by leaving the loop, or with `signal`.
   *
   * @param scans all of the prior's shape, in every epoch in another order
   * @throws UserError if the loss is no longer finite, or there is not enough memory
   * @throws Error if a scan has another number of voxels than the prior, or lacks the mixture that is the target; if there
   *   are no scans, or fewer than the resumed epoch has taken already
   */
  async *train(scans: readonly TrainingScan[], options: LearnOptions = {}): AsyncGenerator<PretrainingStep> {
    this.requireMixtures(scans)
    this.steps = this.settings.epochs * stepsOfEpoch(scans.length, this.settings.batchSize)
    yield* this.learner.train(scans, options)
  }

  /** How far pretraining is, after the step that was yielded last. */
  get progress(): PretrainingProgress {
    return this.learner.progress
  }

  /**
   * What the next step would compute, and of what, for `checkFinite`. Not while a step is under way.
   *
   * @throws Error if the last step is done
   */
  async nextStep(scans: readonly TrainingScan[]): Promise<FiniteCheckOptions> {
    this.requireMixtures(scans)
    this.steps = this.settings.epochs * stepsOfEpoch(scans.length, this.settings.batchSize)
    return this.learner.nextStep(scans)
  }

  /**
   * The dispatches of a step, timed on the device. The weights do not change. Call it only at the end of an epoch, when
   * no step is in flight.
   *
   * @throws Error if no step has run yet, or the device has no timestamps
   */
  async profile(): Promise<DispatchRow[]> {
    return this.learner.profile()
  }

  /** Releases the plans; the variables stay. */
  dispose(): void {
    this.learner.dispose()
  }

  private requireMixtures(scans: readonly TrainingScan[]): void {
    if (this.settings.target === 'mixture') this.form = mixtureFormOf(scans)
  }

  private *inputs({ mixture }: PretrainingGraph, { batch, step }: Turn): Iterable<[Value, Float32Array]> {
    yield [this.optimiser.schedule, this.optimiser.scheduleAt(step)]
    if (!mixture) return
    yield* mixtureInputs(mixture, batch)
  }

  private build(batch: number): Draft<PretrainingGraph> {
    const { shape, classes, data, region } = this.prior
    const scan = input('scan', [batch, channelsOf(this.model.architecture), ...shape])
    const prior = input('prior', [batch, classes, ...regionShape(this.prior)])
    const { logits } = modelLogits(this.model, scan, prior, region)
    const mixture = this.form && mixtureTarget(scan, prior, this.form, region)
    const loss = crossEntropy(logits, mixture?.posterior ?? prior)
    const segmentation = argmax(logits, { prior, counts: partCountsOf(this.prior) })
    const options = {
      outputs: [segmentation],
      report: [loss],
      effects: this.optimiser.minimise(loss),
      variables: this.variables,
      memoryLimit: this.memory.memoryLimit,
      storage: this.settings.precision ?? 'f32',
    } as const
    return { options, constants: [[prior, repeat(data, batch)]], graph: { scan, segmentation, mixture } }
  }
}

function finish(record: StepRecord, crossEntropy: number): PretrainingStep {
  requireFiniteTerms('pretraining', record.step, { 'the cross-entropy': crossEntropy })
  return { ...record, crossEntropy }
}
