import { compile } from '../autograd/plan.js'
import { input, type Value } from '../autograd/value.js'
import type { Variables } from '../autograd/variables.js'
import { UserError } from '../errors.js'
import type { Gpu } from '../gpu/gpu.js'
import { Adam } from '../optim/index.js'
import {
  batchSizes,
  epochBatches,
  isScored,
  loadBatch,
  repeat,
  type LoadedBatch,
  type TrainingScan,
} from './batches.js'
import { inTurn, type RunOptions } from './in-turn.js'
import type { Model } from './model.js'
import { NoiseLevel } from './noise-level.js'
import { saeObjective, type Objective } from './objective.js'
import { PlanByBatch, type Compiled, type MemoryOptions, type Preparation } from './plan-by-batch.js'
import { mrfTableOf, type Prior } from './prior-volume.js'
import { batchDice } from './score.js'
import { checkTrainingSettings, type TrainingSettings } from './settings.js'

/** What one training step found. Losses are sums over voxels, means over the batch. */
export interface TrainingStep {
  /** Counted from 1. */
  readonly epoch: number
  /** Counted from 1, over all epochs. */
  readonly step: number
  /** True for the last batch of its epoch. */
  readonly lastOfEpoch: boolean
  /** What the step minimised, with the constant that the estimated variance adds. */
  readonly loss: number
  /** The weighted squared error, with that constant. */
  readonly reconstructionLoss: number
  /** Divergence of the posterior from the prior. */
  readonly klLoss: number
  /** Energy of the MRF prior times beta; 0 where beta is 0. */
  readonly mrfLoss: number
  /** Mean over voxels and batch, in squared units of intensity (0..1). */
  readonly meanSquaredError: number
  /** Weight of the squared error. */
  readonly weight: number
  /** Estimated standard deviation of the reconstruction; undefined where the weight is fixed. */
  readonly sigma: number | undefined
  /** Time that the step added to the run. */
  readonly seconds: number
  /** Dice per class before this step's update, where the scans have a reference. */
  readonly dice: readonly number[] | undefined
}

/** Where training stands, beside the weights: all that a resumed run needs. */
export interface TrainingProgress {
  /** Complete epochs. */
  readonly epoch: number
  /** Complete steps, over all epochs. */
  readonly step: number
  /** Estimate of the variance of the reconstruction that weighs this epoch; 1e8 before the first. */
  readonly variance: number
  /** Mean squared errors of the steps done in the epoch that was interrupted, if one was. */
  readonly errors: readonly number[]
}

/** A step to be done. */
interface Turn {
  readonly batch: readonly TrainingScan[]
  readonly step: number
  readonly lastOfEpoch: boolean
}

/** What the device makes of a step. */
interface Outcome {
  readonly squaredError: number
  readonly klLoss: number
  readonly mrfLoss: number
  readonly dice: number[] | undefined
}

interface TrainingGraph extends Objective {
  readonly counter: Value
}

/**
 * Trains a Segmentation Auto-Encoder (SAE.md, "Objective") on scans of one shape.
 *
 * Weights and Adam's moments live in `variables`, which the caller owns, loads and saves.
 */
export class Trainer {
  /** Adam of all parameters; its moments belong into a checkpoint that training goes on from. */
  readonly optimiser: Adam
  private readonly noiseLevel: NoiseLevel
  private readonly plans: PlanByBatch<TrainingGraph>
  private readonly mrfTable: Float32Array | undefined
  private step: number

  /** @throws UserError on settings out of range */
  constructor(
    private readonly gpu: Gpu,
    private readonly model: Model,
    private readonly variables: Variables,
    private readonly prior: Prior,
    /** Epochs, learning rate, weight of the MRF prior and so on. */
    readonly settings: TrainingSettings,
    progress: TrainingProgress = { epoch: 0, step: 0, variance: 1e8, errors: [] },
    private readonly memory: MemoryOptions = {},
  ) {
    checkTrainingSettings(settings)
    const { learningRate, weightDecay, maxNorm } = settings
    this.optimiser = new Adam(model.parameters, {
      learningRate,
      weightDecay,
      ...(maxNorm ? { maxNorm } : {}),
    })
    const { variance, epoch, errors } = progress
    this.noiseLevel = new NoiseLevel(settings.sigma, settings.alpha, variance, epoch, errors)
    this.step = progress.step
    this.mrfTable = settings.beta === 0 ? undefined : mrfTableOf(prior, settings.neighbourhood)
    this.plans = new PlanByBatch((batch) => this.compile(batch), memory.memoryLimit !== undefined)
  }

  /** Where training stands after the step that was yielded last. */
  get progress(): TrainingProgress {
    const { epochs, variance, errors } = this.noiseLevel
    return { epoch: epochs, step: this.step, variance, errors }
  }

  /**
   * Compiles what training on so many scans needs, which the first step does otherwise.
   *
   * @throws UserError where it does not fit into memory
   */
  async prepare(scans: number): Promise<Preparation> {
    return this.plans.prepare(batchSizes(scans, this.settings.batchSize))
  }

  /**
   * Trains up to the last epoch, one step at a time. Stop early by leaving the loop, or with `signal`.
   *
   * @param scans all of the prior's shape, in every epoch in another order
   * @throws UserError where the loss is no longer finite, or memory does not do
   * @throws Error where a scan has another number of voxels than the prior
   */
  async *train(
    scans: readonly TrainingScan[],
    { ahead = false, signal }: RunOptions = {},
  ): AsyncGenerator<TrainingStep> {
    const { epochs, batchSize, seed } = this.settings
    while (this.noiseLevel.epochs < epochs && !signal?.aborted) {
      const batches = epochBatches(scans, batchSize, seed, this.noiseLevel.epochs)
      // The others were done before the run was interrupted.
      const left = batches.slice(this.noiseLevel.errors.length)
      const turns = left.map((batch, i): Turn => {
        return { batch, step: this.step + 1 + i, lastOfEpoch: i === left.length - 1 }
      })
      yield* inTurn(
        turns,
        {
          load: ({ batch }) => loadBatch(batch),
          submit: (turn, data) => this.submit(turn, data),
          finish: (turn, outcome, seconds) => this.finish(turn, outcome, seconds),
          // The next step would overwrite the segmentation that is scored, and other plans may take this one's place.
          overlaps: ({ batch }, next) => ahead && !isScored(batch) && next.batch.length === batch.length,
        },
        signal,
      )
    }
  }

  /** Releases the plans; the variables stay. */
  dispose(): void {
    this.plans.dispose()
  }

  private async submit(
    { batch, step }: Turn,
    { data, truths }: LoadedBatch,
  ): Promise<{ result: Promise<Outcome> }> {
    const { plan, graph } = await this.plans.get(batch.length)
    plan.write(graph.scan, data)
    plan.write(graph.counter, Uint32Array.of(this.settings.seed, step))
    plan.write(graph.reconstructionWeight, Float32Array.of(this.noiseLevel.weight))
    plan.write(this.optimiser.schedule, this.optimiser.scheduleAt(step))
    const report = plan.submit()
    const segmentation = isScored(batch) ? plan.readUint(graph.segmentation) : undefined
    const outcome = async (): Promise<Outcome> => {
      const [terms, classes] = await Promise.all([report, segmentation])
      const [[squaredError], [klLoss], mrfLoss] = terms as [Float32Array, Float32Array, Float32Array?]
      const dice = classes && batchDice(classes, truths, this.prior)
      return { squaredError: squaredError!, klLoss: klLoss!, mrfLoss: mrfLoss?.[0] ?? 0, dice }
    }
    return { result: outcome() }
  }

  private finish(
    { step, lastOfEpoch }: Turn,
    { squaredError, klLoss, mrfLoss, dice }: Outcome,
    seconds: number,
  ): TrainingStep {
    const voxels = this.prior.data.length / this.prior.classes
    const { weight, sigma, epochs } = this.noiseLevel
    const reconstructionLoss = this.noiseLevel.loss(squaredError, voxels)
    const loss = reconstructionLoss + klLoss + mrfLoss
    if (!Number.isFinite(loss)) {
      throw new UserError(
        `training diverged at step ${step}: the loss is ${loss}; try a smaller learning rate, or --clip`,
      )
    }
    const meanSquaredError = squaredError / voxels
    this.step = step
    this.noiseLevel.observe(meanSquaredError)
    if (lastOfEpoch) this.noiseLevel.endEpoch()
    return {
      epoch: epochs + 1,
      step,
      lastOfEpoch,
      loss,
      reconstructionLoss,
      klLoss,
      mrfLoss,
      meanSquaredError,
      weight,
      sigma,
      dice,
      seconds,
    }
  }

  private async compile(batch: number): Promise<Compiled<TrainingGraph>> {
    const { beta, neighbourhood, temperature } = this.settings
    const { shape, region } = this.prior
    const scan = input('scan', [batch, 1, ...shape])
    const counter = input('noise counter', [2], { dtype: 'u32' })
    const objective = saeObjective(this.model, scan, counter, { beta, neighbourhood, temperature, region })
    const { squaredError, klLoss, mrfLoss, segmentation, loss } = objective
    const plan = await compile(this.gpu, {
      outputs: [segmentation],
      report: [squaredError, klLoss, ...(mrfLoss ? [mrfLoss] : [])],
      effects: this.optimiser.minimise(loss),
      variables: this.variables,
      memoryLimit: this.memory.memoryLimit,
      storage: this.settings.precision ?? 'f32',
    })
    plan.write(objective.prior, repeat(this.prior.data, batch))
    if (this.mrfTable) plan.write(objective.mrfTable, this.mrfTable)
    return { plan, graph: { ...objective, counter } }
  }
}
