import { compile } from '../autograd/plan.js'
import { input, type Value } from '../autograd/value.js'
import type { Variables } from '../autograd/variables.js'
import { UserError } from '../errors.js'
import type { Gpu } from '../gpu/gpu.js'
import { Adam } from '../optim/index.js'
import { epochBatches, repeat, stack, type TrainingScan } from './batches.js'
import type { Model } from './model.js'
import { NoiseLevel } from './noise-level.js'
import { saeObjective, type Objective } from './objective.js'
import { PlanByBatch, type Compiled } from './plan-by-batch.js'
import { mrfTableOf, type Prior } from './prior-volume.js'
import { batchDice } from './score.js'
import { checkTrainingSettings, type TrainingSettings } from './settings.js'

/** What one training step found. Losses are sums over voxels, means over the batch. */
export interface TrainingStep {
  /** Counted from 1. */
  readonly epoch: number
  readonly step: number
  readonly lastOfEpoch: boolean
  readonly loss: number
  readonly reconstructionLoss: number
  readonly klLoss: number
  readonly mrfLoss: number
  readonly meanSquaredError: number
  /** Weight of the squared error. */
  readonly weight: number
  /** Estimated standard deviation of the reconstruction; undefined where the weight is fixed. */
  readonly sigma: number | undefined
  readonly seconds: number
  /** Dice per class before this step's update, where the scans have a reference. */
  readonly dice: readonly number[] | undefined
}

/** Where training stands, beside the weights: all that a resumed run needs. */
export interface TrainingProgress {
  /** Complete epochs. */
  readonly epoch: number
  readonly step: number
  readonly variance: number
  /** Mean squared errors of the steps done in the epoch that was interrupted, if one was. */
  readonly errors: readonly number[]
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
    readonly settings: TrainingSettings,
    progress: TrainingProgress = { epoch: 0, step: 0, variance: 1e8, errors: [] },
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
    this.plans = new PlanByBatch((batch) => this.compile(batch))
  }

  get progress(): TrainingProgress {
    const { epochs, variance, errors } = this.noiseLevel
    return { epoch: epochs, step: this.step, variance, errors }
  }

  /** Trains up to the last epoch, one step at a time. Stop early by leaving the loop. */
  async *train(scans: readonly TrainingScan[]): AsyncGenerator<TrainingStep> {
    const { epochs, batchSize, seed } = this.settings
    while (this.noiseLevel.epochs < epochs) {
      const batches = epochBatches(scans, batchSize, seed, this.noiseLevel.epochs)
      for (const [i, batch] of batches.entries()) {
        if (i < this.noiseLevel.errors.length) continue // done before the run was interrupted
        const result = await this.runStep(batch, i === batches.length - 1)
        if (result.lastOfEpoch) this.noiseLevel.endEpoch()
        yield result
      }
    }
  }

  /** Releases the plans; the variables stay. */
  dispose(): void {
    this.plans.dispose()
  }

  private async runStep(batch: readonly TrainingScan[], lastOfEpoch: boolean): Promise<TrainingStep> {
    const start = performance.now()
    const { plan, graph } = await this.plans.get(batch.length)
    const voxels = this.prior.shape[0] * this.prior.shape[1] * this.prior.shape[2]
    const { weight, sigma } = this.noiseLevel
    this.step++
    plan.write(graph.scan, stack(batch.map(({ data }) => data)))
    plan.write(graph.counter, Uint32Array.of(this.settings.seed, this.step))
    plan.write(graph.reconstructionWeight, Float32Array.of(weight))
    plan.write(this.optimiser.schedule, this.optimiser.scheduleAt(this.step))
    const [[squaredError], [klLoss], mrfTerm] = (await plan.run()) as [
      Float32Array,
      Float32Array,
      Float32Array?,
    ]
    const mrfLoss = mrfTerm?.[0] ?? 0
    const reconstructionLoss = this.noiseLevel.loss(squaredError!, voxels)
    const loss = reconstructionLoss + klLoss! + mrfLoss
    if (!Number.isFinite(loss)) {
      throw new UserError(
        `training diverged at step ${this.step}: the loss is ${loss}; try a smaller learning rate, or --clip`,
      )
    }
    const meanSquaredError = squaredError! / voxels
    this.noiseLevel.observe(meanSquaredError)
    const scored = batch.some(({ truth }) => truth)
    return {
      epoch: this.noiseLevel.epochs + 1,
      step: this.step,
      lastOfEpoch,
      loss,
      reconstructionLoss,
      klLoss: klLoss!,
      mrfLoss,
      meanSquaredError,
      weight,
      sigma,
      dice: scored
        ? batchDice(await plan.readUint(graph.segmentation), batch, this.model.architecture.classes)
        : undefined,
      seconds: (performance.now() - start) / 1000,
    }
  }

  private async compile(batch: number): Promise<Compiled<TrainingGraph>> {
    const { beta, neighbourhood, temperature } = this.settings
    const shape = this.prior.shape
    const scan = input('scan', [batch, 1, ...shape])
    const counter = input('noise counter', [2], { dtype: 'u32' })
    const objective = saeObjective(this.model, scan, counter, { beta, neighbourhood, temperature })
    const { squaredError, klLoss, mrfLoss, segmentation, loss } = objective
    const plan = await compile(this.gpu, {
      outputs: [segmentation],
      report: [squaredError, klLoss, ...(mrfLoss ? [mrfLoss] : [])],
      effects: this.optimiser.minimise(loss),
      variables: this.variables,
    })
    plan.write(objective.prior, repeat(this.prior.data, batch))
    if (this.mrfTable) plan.write(objective.mrfTable, this.mrfTable)
    return { plan, graph: { ...objective, counter } }
  }
}
