import { compile } from '../autograd/plan.js'
import { input, type Value } from '../autograd/value.js'
import type { Variables } from '../autograd/variables.js'
import { UserError } from '../errors.js'
import type { Gpu } from '../gpu/gpu.js'
import { argmax, crossEntropy, supportMask } from '../ops/index.js'
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
import { PlanByBatch, type Compiled, type MemoryOptions, type Preparation } from './plan-by-batch.js'
import type { Prior } from './prior-volume.js'
import { regionShape } from './region.js'
import { batchDice } from './score.js'
import { checkOptimiserSettings, type OptimiserSettings } from './settings.js'

/** What one pretraining step found. */
export interface PretrainingStep {
  /** Counted from 1. */
  readonly epoch: number
  /** Counted from 1, over all epochs. */
  readonly step: number
  /** True for the last batch of its epoch. */
  readonly lastOfEpoch: boolean
  /** Mean over voxels and batch. */
  readonly crossEntropy: number
  /** Time that the step added to the run. */
  readonly seconds: number
  /** Dice per class before this step's update, where the scans have a reference. */
  readonly dice: readonly number[] | undefined
}

/** A step to be done. */
interface Turn {
  readonly batch: readonly TrainingScan[]
  readonly epoch: number
  readonly step: number
  readonly lastOfEpoch: boolean
}

/** What the device makes of a step. */
interface Outcome {
  readonly crossEntropy: number
  readonly dice: number[] | undefined
}

interface PretrainingGraph {
  readonly scan: Value
  readonly prior: Value
  readonly segmentation: Value
}

/**
 * Pretrains the encoder to map scans onto the prior (SAE.md, "Networks"): without that start the straight-through
 * objective often collapses. Weights live in `variables`, which the caller owns.
 */
export class Pretrainer {
  /** Adam of the encoder's parameters. */
  readonly optimiser: Adam
  private readonly plans: PlanByBatch<PretrainingGraph>
  private step = 0

  /** @throws UserError on settings out of range */
  constructor(
    private readonly gpu: Gpu,
    private readonly model: Model,
    private readonly variables: Variables,
    private readonly prior: Prior,
    /** Epochs, batch size, learning rate and so on. */
    readonly settings: OptimiserSettings,
    private readonly memory: MemoryOptions = {},
  ) {
    checkOptimiserSettings(settings)
    const { learningRate, weightDecay, maxNorm } = settings
    this.optimiser = new Adam(model.encoder.parameters, {
      learningRate,
      weightDecay,
      ...(maxNorm ? { maxNorm } : {}),
    })
    this.plans = new PlanByBatch((batch) => this.compile(batch), memory.memoryLimit !== undefined)
  }

  /**
   * Compiles what pretraining on so many scans needs, which the first step does otherwise.
   *
   * @throws UserError where it does not fit into memory
   */
  async prepare(scans: number): Promise<Preparation> {
    return this.plans.prepare(batchSizes(scans, this.settings.batchSize))
  }

  /**
   * Pretrains up to the last epoch, one step at a time. Stop early by leaving the loop, or with `signal`.
   *
   * @param scans all of the prior's shape, in every epoch in another order
   * @throws UserError where the loss is no longer finite, or memory does not do
   * @throws Error where a scan has another number of voxels than the prior
   */
  async *train(
    scans: readonly TrainingScan[],
    { ahead = false, signal }: RunOptions = {},
  ): AsyncGenerator<PretrainingStep> {
    const { epochs, batchSize, seed } = this.settings
    for (let epoch = 1; epoch <= epochs && !signal?.aborted; epoch++) {
      const batches = epochBatches(scans, batchSize, seed, epoch)
      const turns = batches.map((batch, i): Turn => {
        return { batch, epoch, step: this.step + 1 + i, lastOfEpoch: i === batches.length - 1 }
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
    plan.write(this.optimiser.schedule, this.optimiser.scheduleAt(step))
    const report = plan.submit()
    const segmentation = isScored(batch) ? plan.readUint(graph.segmentation) : undefined
    const outcome = async (): Promise<Outcome> => {
      const [[[crossEntropy]], classes] = (await Promise.all([report, segmentation])) as [
        [Float32Array],
        Uint32Array | undefined,
      ]
      const dice = classes && batchDice(classes, truths, this.prior)
      return { crossEntropy: crossEntropy!, dice }
    }
    return { result: outcome() }
  }

  private finish(
    { epoch, step, lastOfEpoch }: Turn,
    { crossEntropy, dice }: Outcome,
    seconds: number,
  ): PretrainingStep {
    if (!Number.isFinite(crossEntropy)) {
      throw new UserError(
        `pretraining diverged at step ${step}: the loss is ${crossEntropy}; try a smaller learning rate, or --clip`,
      )
    }
    this.step = step
    return { epoch, step, lastOfEpoch, crossEntropy, dice, seconds }
  }

  private async compile(batch: number): Promise<Compiled<PretrainingGraph>> {
    const { shape, classes, data, region } = this.prior
    const scan = input('scan', [batch, 1, ...shape])
    const prior = input('prior', [batch, classes, ...regionShape(this.prior)])
    const logits = this.model.encoder(scan, region)
    const loss = crossEntropy(logits, prior)
    const segmentation = argmax(supportMask(logits, prior))
    const plan = await compile(this.gpu, {
      outputs: [segmentation],
      report: [loss],
      effects: this.optimiser.minimise(loss),
      variables: this.variables,
      memoryLimit: this.memory.memoryLimit,
      storage: this.settings.precision ?? 'f32',
    })
    plan.write(prior, repeat(data, batch))
    return { plan, graph: { scan, prior, segmentation } }
  }
}
