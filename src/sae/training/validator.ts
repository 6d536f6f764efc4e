import { compile } from '../../plan/compile.js'
import { input, type Value } from '../../graph/value.js'
import type { Plan } from '../../plan/plan.js'
import type { Variables } from '../../plan/variables.js'
import type { Gpu } from '../../gpu/gpu.js'
import { loadBatch, type TrainingScan } from './batches.js'
import { mixtureFormOf, mixtureInputs } from '../mixture/mixture-target.js'
import { channelsOf, type Model } from '../model.js'
import { mrfTableOf } from '../prior/mrf-table.js'
import { saeObjective, type Objective } from './objective.js'
import type { MemoryOptions } from '../plan-by-batch.js'
import type { Prior } from '../prior/prior.js'
import { profiledLoss } from './selection.js'
import { checkTrainingSettings, summedBeta, type TrainingSettings } from '../settings.js'

/**
 * Scores weights on scans that they do not learn from, by the criterion that picks an epoch (`profiledLoss`). A scan is
 * sampled with the same noise every time, so that scores differ by the weights alone.
 */
export class Validator {
  private constructor(
    private readonly plan: Plan,
    private readonly objective: Objective,
    private readonly counter: Value,
    private readonly scans: readonly TrainingScan[],
    private readonly settings: TrainingSettings,
    private readonly voxels: number,
  ) {}

  /**
   * @param variables the weights; they are read at each score and never changed
   * @param scans at least one, of the prior's shape, with mixtures if `settings` take the divergence from them
   * @throws UserError for settings out of range, or if there is not enough memory
   */
  static async create(
    gpu: Gpu,
    model: Model,
    variables: Variables,
    prior: Prior,
    settings: TrainingSettings,
    scans: readonly TrainingScan[],
    { memoryLimit }: MemoryOptions = {},
  ): Promise<Validator> {
    checkTrainingSettings(settings)
    const { neighbourhood, temperature, potential, divergence, precision = 'f32' } = settings
    const { shape, region, classes, data } = prior
    const counter = input('noise counter', [2], { dtype: 'u32' })
    const objective = saeObjective(
      model,
      input('scan', [1, channelsOf(model.architecture), ...shape]),
      counter,
      {
        beta: summedBeta(settings),
        neighbourhood,
        temperature,
        region,
        mixture: divergence === 'mixture' ? mixtureFormOf(scans) : undefined,
      },
    )
    const { squaredError, klLoss, mrfLoss } = objective
    const plan = await compile(gpu, {
      outputs: [],
      report: [squaredError, klLoss, ...(mrfLoss ? [mrfLoss] : [])],
      variables,
      memoryLimit,
      storage: precision,
    })
    plan.write(objective.prior, data)
    if (mrfLoss) plan.write(objective.mrfTable, mrfTableOf(prior, neighbourhood, potential))
    return new Validator(plan, objective, counter, scans, settings, data.length / classes)
  }

  /** Mean of the criterion over the scans: the lower the better. */
  async score(): Promise<number> {
    let sum = 0
    for (const [i, scan] of this.scans.entries()) sum += await this.scoreOf(scan, i)
    return sum / this.scans.length
  }

  /** Releases the plan. */
  dispose(): void {
    this.plan.dispose()
  }

  private async scoreOf(scan: TrainingScan, index: number): Promise<number> {
    const { plan, objective, settings, voxels } = this
    plan.write(objective.scan, (await loadBatch([scan])).data)
    plan.write(this.counter, Uint32Array.of(settings.seed, index))
    if (objective.mixture)
      for (const [value, content] of mixtureInputs(objective.mixture, [scan])) plan.write(value, content)
    const report = await plan.run()
    const [squaredErrors, ...terms] = report
    const [klLoss, mrfLoss = 0] = terms.map(([value]) => value!) as [number, number?]
    const errors = Array.from(squaredErrors!, (error) => ({ meanSquaredError: error / voxels }))
    const [first, ...otherChannels] = errors
    return profiledLoss({ ...first!, otherChannels, klLoss, mrfLoss }, voxels, settings.errorFactor)
  }
}
