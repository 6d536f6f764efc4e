import type { FiniteCheckOptions } from '../../plan/check-finite.js'
import type { DispatchRow } from '../../plan/describe.js'
import { input, type Value } from '../../graph/value.js'
import type { Variables } from '../../plan/variables.js'
import type { Gpu } from '../../gpu/gpu.js'
import { Adam } from '../../optim/index.js'
import { repeat, stepsOfEpoch, type TrainingScan } from './batches.js'
import { requireFiniteTerms } from './diverged.js'
import { Learner, type LearnOptions, type StepRecord, type Turn } from './learner.js'
import { scheduledRate } from './learning-rate.js'
import { mixtureFormOf, mixtureInputs, type MixtureForm } from '../mixture/mixture-target.js'
import { channelsOf, type Model } from '../model.js'
import { firstVariance, NoiseLevel } from './noise-level.js'
import { saeObjective, type Objective } from './objective.js'
import type { Draft, MemoryOptions, Preparation } from '../plan-by-batch.js'
import type { Prior } from '../prior/prior.js'
import { mrfTableOf } from '../prior/mrf-table.js'
import { checkTrainingSettings, summedBeta, type TrainingSettings } from '../settings.js'

/** What one training step found. Losses are sums over voxels, means over the batch. */
export interface TrainingStep extends StepRecord, ChannelError {
  /** The minimised loss, with the constant that the estimated variance adds. */
  readonly loss: number
  /** The weighted squared error of all channels, with that constant. */
  readonly reconstructionLoss: number
  /** Divergence of the posterior from the prior, or from that of the mixture (`divergence`). */
  readonly klLoss: number
  /** Energy of the MRF prior times beta; 0 if beta is 0. */
  readonly mrfLoss: number
  /** The reconstruction of further channels, if scans have several. */
  readonly otherChannels: readonly ChannelError[]
}

/** The reconstruction of a channel. */
export interface ChannelError {
  /** Mean over voxels and batch, in squared units of intensity (0..1). */
  readonly meanSquaredError: number
  /** Weight of the squared error. */
  readonly weight: number
  /** Estimated standard deviation of the reconstruction; undefined if the weight is fixed. */
  readonly sigma: number | undefined
}

/** Progress of training: all that a resumed run needs besides the weights. */
export interface TrainingProgress extends NoiseEstimate {
  /** Complete epochs. */
  readonly epoch: number
  /** Complete steps, over all epochs. */
  readonly step: number
  /** The estimates of further channels, if scans have several. */
  readonly otherChannels?: readonly NoiseEstimate[]
}

/** What a run knows of the noise of all channels. */
export type NoiseEstimates = Pick<TrainingProgress, 'variance' | 'errors' | 'otherChannels'>

/** What is known of the noise of a channel. */
export interface NoiseEstimate {
  /** Estimate of the variance of the reconstruction, which sets the weight of this epoch; 1e8 before the first. */
  readonly variance: number
  /** Mean squared errors of the finished steps of an interrupted epoch, if there is one. */
  readonly errors: readonly number[]
}

interface TrainingGraph extends Objective {
  readonly counter: Value
}

/**
 * Trains a Segmentation Auto-Encoder (docs/equations.md, "Objective") on scans of one shape.
 *
 * Weights and Adam's moments live in `variables`, which the caller owns, loads and saves.
 */
export class Trainer {
  /** Adam of all parameters; its moments belong in a checkpoint that training resumes from. */
  readonly optimiser: Adam
  /** Of each channel. */
  private readonly noiseLevels: readonly NoiseLevel[]
  private readonly learner: Learner<TrainingGraph, TrainingStep>
  private readonly mrfTable: Float32Array | undefined
  /** Of the scans' mixtures, if the divergence is taken from them. */
  private form: MixtureForm | undefined
  /** Of the whole run, for the learning rate. */
  private steps = Infinity

  /** @throws UserError on settings out of range */
  constructor(
    gpu: Gpu,
    private readonly model: Model,
    private readonly variables: Variables,
    private readonly prior: Prior,
    /** Epochs, learning rate, weight of the MRF prior and so on. */
    readonly settings: TrainingSettings,
    progress: TrainingProgress = { epoch: 0, step: 0, variance: firstVariance, errors: [] },
    private readonly memory: MemoryOptions = {},
  ) {
    checkTrainingSettings(settings)
    const { weightDecay, maxNorm, beta, neighbourhood, potential } = settings
    this.optimiser = new Adam(model.parameters, {
      learningRate: (step) => scheduledRate(settings, step, this.steps),
      weightDecay,
      ...(maxNorm ? { maxNorm } : {}),
    })
    const { epoch, step, errors, otherChannels = [] } = progress
    // At the beginning, nothing is known of any channel.
    this.noiseLevels = Array.from({ length: channelsOf(model.architecture) }, (_, c) => {
      const { variance, errors } = otherChannels[c - 1] ?? progress
      return new NoiseLevel(settings, variance, epoch, errors)
    })
    this.mrfTable = beta === 0 ? undefined : mrfTableOf(prior, neighbourhood, potential)
    const lesson = {
      build: (batch: number) => this.build(batch),
      inputs: (graph: TrainingGraph, turn: Turn) => this.inputs(graph, turn),
      finish: (record: StepRecord, report: readonly Float32Array[]) => this.finish(record, report),
    }
    const cursor = { epoch, step, stepOfEpoch: errors.length }
    this.learner = new Learner(gpu, lesson, settings, prior, memory, cursor)
  }

  /** Progress of training after the last yielded step. */
  get progress(): TrainingProgress {
    const { epoch, step } = this.learner.progress
    const [first, ...otherChannels] = this.noiseLevels.map(({ variance, errors }) => ({ variance, errors }))
    return { epoch, step, ...first!, ...(otherChannels.length > 0 ? { otherChannels } : {}) }
  }

  /**
   * Compiles the plans now, so that the first step does not have to.
   *
   * @throws UserError if they do not fit into memory
   */
  async prepare(scans: readonly TrainingScan[]): Promise<Preparation> {
    this.meet(scans)
    return this.learner.prepare(scans.length)
  }

  /**
   * Trains up to the last epoch, one step at a time. Stop early by leaving the loop, or with `signal`.
   *
   * @param scans all of the prior's shape, in every epoch in another order
   * @throws UserError if the loss is no longer finite, or there is not enough memory
   * @throws Error if a scan has another number of voxels than the prior, there are no scans, or fewer than the resumed
   *   epoch has taken already
   */
  async *train(scans: readonly TrainingScan[], options: LearnOptions = {}): AsyncGenerator<TrainingStep> {
    this.meet(scans)
    yield* this.learner.train(scans, options)
  }

  /**
   * What the next step would compute, and of what, for `checkFinite`. Not while a step is under way.
   *
   * @throws Error if the last step is done
   */
  async nextStep(scans: readonly TrainingScan[]): Promise<FiniteCheckOptions> {
    this.meet(scans)
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

  /** Learns from the scans how long the run is, and of what form their mixtures are. */
  private meet(scans: readonly TrainingScan[]): void {
    const { divergence, epochs, batchSize } = this.settings
    if (divergence === 'mixture') this.form = mixtureFormOf(scans)
    this.steps = epochs * stepsOfEpoch(scans.length, batchSize)
  }

  private *inputs(
    { counter, reconstructionWeight, mixture }: TrainingGraph,
    { batch, step }: Turn,
  ): Iterable<[Value, Float32Array | Uint32Array]> {
    yield [counter, Uint32Array.of(this.settings.seed, step)]
    yield [reconstructionWeight, Float32Array.from(this.noiseLevels, ({ weight }) => weight)]
    yield [this.optimiser.schedule, this.optimiser.scheduleAt(step)]
    if (mixture) yield* mixtureInputs(mixture, batch)
  }

  private finish(record: StepRecord, report: readonly Float32Array[]): TrainingStep {
    const [squaredErrors, ...terms] = report
    const [klLoss, mrfLoss = 0] = terms.map(([value]) => value!) as [number, number?]
    const voxels = this.prior.data.length / this.prior.classes
    const lossOf = (level: NoiseLevel, c: number): number => level.loss(squaredErrors![c]!, voxels)
    const reconstructionLoss = this.noiseLevels.reduce((sum, level, c) => sum + lossOf(level, c), 0)
    requireFiniteTerms('training', record.step, {
      'the squared error': squaredErrors!.reduce((sum, error) => sum + error, 0),
      'the divergence': klLoss,
      'the energy of the MRF prior': mrfLoss,
      'the loss of the reconstruction': reconstructionLoss,
    })
    const loss = reconstructionLoss + klLoss + mrfLoss
    const [first, ...otherChannels] = this.noiseLevels.map((level, c): ChannelError => {
      const { weight, sigma } = level
      const meanSquaredError = squaredErrors![c]! / voxels
      level.observe(meanSquaredError)
      if (record.lastOfEpoch) level.endEpoch()
      return { meanSquaredError, weight, sigma }
    })
    return { ...record, loss, reconstructionLoss, klLoss, mrfLoss, ...first!, otherChannels }
  }

  private build(batch: number): Draft<TrainingGraph> {
    const { neighbourhood, temperature } = this.settings
    const { shape, region } = this.prior
    const scan = input('scan', [batch, channelsOf(this.model.architecture), ...shape])
    const counter = input('noise counter', [2], { dtype: 'u32' })
    const beta = summedBeta(this.settings)
    const objective = saeObjective(this.model, scan, counter, {
      beta,
      neighbourhood,
      temperature,
      region,
      mixture: this.form,
    })
    const { squaredError, klLoss, mrfLoss, segmentation, loss } = objective
    const options = {
      outputs: [segmentation],
      report: [squaredError, klLoss, ...(mrfLoss ? [mrfLoss] : [])],
      effects: this.optimiser.minimise(loss),
      variables: this.variables,
      memoryLimit: this.memory.memoryLimit,
      storage: this.settings.precision ?? 'f32',
    } as const
    const constants = [
      [objective.prior, repeat(this.prior.data, batch)] as const,
      ...(this.mrfTable ? [[objective.mrfTable, this.mrfTable] as const] : []),
    ]
    return { options, constants, graph: { ...objective, counter } }
  }
}
