import { compile } from '../autograd/plan.js'
import { input, type Value } from '../autograd/value.js'
import type { Variables } from '../autograd/variables.js'
import { UserError } from '../errors.js'
import type { Gpu } from '../gpu/gpu.js'
import { argmax, crossEntropy, supportMask } from '../ops/index.js'
import { Adam } from '../optim/index.js'
import { epochBatches, repeat, stack, type TrainingScan } from './batches.js'
import type { Model } from './model.js'
import { PlanByBatch, type Compiled } from './plan-by-batch.js'
import type { Prior } from './prior-volume.js'
import { batchDice } from './score.js'
import { checkOptimiserSettings, type OptimiserSettings } from './settings.js'

/** What one pretraining step found. */
export interface PretrainingStep {
  /** Counted from 1. */
  readonly epoch: number
  readonly step: number
  readonly lastOfEpoch: boolean
  /** Mean over voxels and batch. */
  readonly crossEntropy: number
  readonly seconds: number
  /** Dice per class before this step's update, where the scans have a reference. */
  readonly dice: readonly number[] | undefined
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
  readonly optimiser: Adam
  private readonly plans: PlanByBatch<PretrainingGraph>
  private step = 0

  /** @throws UserError on settings out of range */
  constructor(
    private readonly gpu: Gpu,
    private readonly model: Model,
    private readonly variables: Variables,
    private readonly prior: Prior,
    readonly settings: OptimiserSettings,
  ) {
    checkOptimiserSettings(settings)
    const { learningRate, weightDecay, maxNorm } = settings
    this.optimiser = new Adam(model.encoder.parameters, {
      learningRate,
      weightDecay,
      ...(maxNorm ? { maxNorm } : {}),
    })
    this.plans = new PlanByBatch((batch) => this.compile(batch))
  }

  /** Pretrains up to the last epoch, one step at a time. Stop early by leaving the loop. */
  async *train(scans: readonly TrainingScan[]): AsyncGenerator<PretrainingStep> {
    const { epochs, batchSize, seed } = this.settings
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const batches = epochBatches(scans, batchSize, seed, epoch)
      for (const [i, batch] of batches.entries())
        yield await this.runStep(batch, epoch, i === batches.length - 1)
    }
  }

  /** Releases the plans; the variables stay. */
  dispose(): void {
    this.plans.dispose()
  }

  private async runStep(
    batch: readonly TrainingScan[],
    epoch: number,
    lastOfEpoch: boolean,
  ): Promise<PretrainingStep> {
    const start = performance.now()
    const { plan, graph } = await this.plans.get(batch.length)
    this.step++
    plan.write(graph.scan, stack(batch.map(({ data }) => data)))
    plan.write(this.optimiser.schedule, this.optimiser.scheduleAt(this.step))
    const [[crossEntropy]] = (await plan.run()) as [Float32Array]
    if (!Number.isFinite(crossEntropy)) {
      throw new UserError(
        `pretraining diverged at step ${this.step}: the loss is ${crossEntropy!}; try a smaller learning rate, or --clip`,
      )
    }
    const scored = batch.some(({ truth }) => truth)
    return {
      epoch,
      step: this.step,
      lastOfEpoch,
      crossEntropy: crossEntropy!,
      dice: scored
        ? batchDice(await plan.readUint(graph.segmentation), batch, this.model.architecture.classes)
        : undefined,
      seconds: (performance.now() - start) / 1000,
    }
  }

  private async compile(batch: number): Promise<Compiled<PretrainingGraph>> {
    const { shape, classes, data } = this.prior
    const scan = input('scan', [batch, 1, ...shape])
    const prior = input('prior', [batch, classes, ...shape])
    const logits = this.model.encoder(scan)
    const loss = crossEntropy(logits, prior)
    const segmentation = argmax(supportMask(logits, prior))
    const plan = await compile(this.gpu, {
      outputs: [segmentation],
      report: [loss],
      effects: this.optimiser.minimise(loss),
      variables: this.variables,
    })
    plan.write(prior, repeat(data, batch))
    return { plan, graph: { scan, prior, segmentation } }
  }
}
