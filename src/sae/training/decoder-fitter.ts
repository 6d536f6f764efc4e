import { input, type Value } from '../../graph/value.js'
import type { Variables } from '../../plan/variables.js'
import type { Gpu } from '../../gpu/gpu.js'
import { sum } from '../../ops/index.js'
import { Adam } from '../../optim/index.js'
import { repeat, stepsOfEpoch, type TrainingScan } from './batches.js'
import type { RunOptions } from './pipelined-steps.js'
import { requireFiniteTerms } from './diverged.js'
import { Learner, type LearningGraph, type StepRecord, type Turn } from './learner.js'
import { channelsOf, type Model } from '../model.js'
import { saeObjective } from './objective.js'
import type { Draft, MemoryOptions, Preparation } from '../plan-by-batch.js'
import type { Prior } from '../prior/prior.js'
import type { TrainingSettings } from '../settings.js'
import type { ChannelError } from './trainer.js'

/** What one step of fitting the decoder found. */
export interface DecoderStep extends StepRecord {
  /** Of the first channel: mean over voxels and batch, in squared units of intensity (0..1). */
  readonly meanSquaredError: number
  /** The same of further channels, if scans have several. */
  readonly otherChannels: readonly Pick<ChannelError, 'meanSquaredError'>[]
}

interface DecoderGraph extends LearningGraph {
  readonly counter: Value
  readonly prior: Value
}

/** The decoder has a few hundred parameters and a nearly quadratic loss: it tolerates a large learning rate. */
const learningRate = 0.02

/**
 * Fits a new decoder to the output of the frozen encoder. If both were trained together from the start, the encoder
 * would first move to wherever an unfitted decoder explains the scan better, and lose what pretraining taught it.
 */
export class DecoderFitter {
  private readonly optimiser: Adam
  private readonly learner: Learner<DecoderGraph, DecoderStep>

  /**
   * @param settings of the training that follows: `decoderSteps`, batch size, seed and temperature are used
   * @param scans number of scans to fit it to
   */
  constructor(
    gpu: Gpu,
    private readonly model: Model,
    private readonly variables: Variables,
    private readonly prior: Prior,
    private readonly settings: TrainingSettings,
    scans: number,
    private readonly memory: MemoryOptions = {},
  ) {
    const { batchSize, seed, decoderSteps = 0 } = settings
    this.optimiser = new Adam(model.decoder.parameters, { learningRate })
    const lesson = {
      build: (batch: number) => this.build(batch),
      inputs: ({ counter }: DecoderGraph, { step }: Turn): [Value, Float32Array | Uint32Array][] => [
        [counter, Uint32Array.of(seed, step)],
        [this.optimiser.schedule, this.optimiser.scheduleAt(step)],
      ],
      finish: (record: StepRecord, [squaredError]: readonly Float32Array[]) =>
        this.finish(record, squaredError!),
    }
    const epochs = Math.ceil(decoderSteps / stepsOfEpoch(scans, batchSize))
    this.learner = new Learner(gpu, lesson, { epochs, batchSize, seed }, prior, memory)
  }

  /** Compiles the plans now. @throws UserError if they do not fit into memory */
  async prepare(scans: readonly TrainingScan[]): Promise<Preparation> {
    return this.learner.prepare(scans.length)
  }

  /**
   * Fits for `decoderSteps` steps, rounded up to complete epochs, one step at a time.
   *
   * @throws UserError if the error is no longer finite
   */
  train(scans: readonly TrainingScan[], options: RunOptions = {}): AsyncGenerator<DecoderStep> {
    return this.learner.train(scans, options)
  }

  /** Releases the plans; the variables stay. */
  dispose(): void {
    this.learner.dispose()
  }

  private finish(record: StepRecord, squaredErrors: Float32Array): DecoderStep {
    const voxels = this.prior.data.length / this.prior.classes
    for (const error of squaredErrors)
      requireFiniteTerms('fitting the decoder', record.step, { 'the squared error': error })
    const errors = Array.from(squaredErrors, (error) => ({ meanSquaredError: error / voxels }))
    const [first, ...otherChannels] = errors
    return { ...record, ...first!, otherChannels }
  }

  private build(batch: number): Draft<DecoderGraph> {
    const channels = channelsOf(this.model.architecture)
    const scan = input('scan', [batch, channels, ...this.prior.shape])
    const counter = input('noise counter', [2], { dtype: 'u32' })
    const { temperature, neighbourhood } = this.settings
    const { region } = this.prior
    const objective = saeObjective(this.model, scan, counter, {
      beta: 0,
      neighbourhood,
      temperature,
      region,
    })
    const { squaredError, segmentation, prior } = objective
    const options = {
      outputs: [segmentation],
      report: [squaredError],
      effects: this.optimiser.minimise(channels === 1 ? squaredError : sum(squaredError)),
      variables: this.variables,
      memoryLimit: this.memory.memoryLimit,
      storage: this.settings.precision ?? 'f32',
    } as const
    return {
      options,
      constants: [[prior, repeat(this.prior.data, batch)]],
      graph: { scan, segmentation, counter, prior },
    }
  }
}
