import type { Gpu } from '../../gpu/gpu.js'
import type { Value } from '../../graph/value.js'
import type { FiniteCheckOptions } from '../../plan/check-finite.js'
import type { DispatchRow } from '../../plan/describe.js'
import { profiled } from '../../plan/profiled.js'
import {
  batchSizes,
  epochBatches,
  isScored,
  loadBatch,
  type LoadedBatch,
  type TrainingScan,
} from './batches.js'
import { inTurn, type RunOptions } from './pipelined-steps.js'
import {
  compileDraft,
  PlanByBatch,
  type Draft,
  type MemoryOptions,
  type Preparation,
} from '../plan-by-batch.js'
import type { PriorLayout } from '../prior/prior.js'
import { batchDice } from '../metrics/dice.js'
import { onWholeGrid } from '../prior/region.js'

/** A step to be done. */
export interface Turn {
  readonly batch: readonly TrainingScan[]
  /** Counted from 1. */
  readonly epoch: number
  /** Counted from 1, over all epochs. */
  readonly step: number
  /** True for the last batch of its epoch. */
  readonly lastOfEpoch: boolean
}

/** What every step reports. */
export interface StepRecord extends Omit<Turn, 'batch'> {
  /** Time that the step added to the run. */
  readonly seconds: number
  /** Dice per class before this step's update, if the scans have a reference. */
  readonly dice: readonly (number | undefined)[] | undefined
}

/** The values of a step's graph that every kind of learning has. */
export interface LearningGraph {
  /** An input: the scans of the batch, [N, C, D, H, W]. */
  readonly scan: Value
  /** Most probable classes, u32 [N, 1, D, H, W]: an output, read only if the batch has a reference. */
  readonly segmentation: Value
}

/** What one kind of learning does in each step. */
export interface Lesson<Graph extends LearningGraph, Step extends StepRecord> {
  /** The step for a batch of this size. */
  build(batch: number): Draft<Graph>
  /** The step's inputs besides its scans. */
  inputs(graph: Graph, turn: Turn): Iterable<readonly [Value, Float32Array | Uint32Array]>
  /** Turns the values that the plan reports into a step; called in the order of the steps. */
  finish(record: StepRecord, report: readonly Float32Array[]): Step
}

/** Looks at the segmentation of one scan as it develops. */
export interface Watch {
  /** One of those that are learnt from, the very object. */
  readonly scan: TrainingScan
  /** Whether to look in an epoch, counted from 1: each look keeps the device waiting while the classes are read. */
  wants(epoch: number): boolean
  /** Most probable classes before the update of this step, [D, H, W]; called before the step is yielded. */
  seen(turn: Pick<StepRecord, 'epoch' | 'step' | 'lastOfEpoch'>, classes: Uint8Array): void
}

/** How a run of learning goes. */
export interface LearnOptions extends RunOptions {
  /** Changes no number of the run. */
  readonly watch?: Watch | undefined
}

/** Progress of a run. */
interface Cursor {
  /** Complete epochs. */
  readonly epoch: number
  /** Complete steps, over all epochs. */
  readonly step: number
  /** Complete steps of the running epoch. */
  readonly stepOfEpoch: number
}

/** What the loop itself depends on. */
interface LearnerSettings {
  readonly epochs: number
  readonly batchSize: number
  readonly seed: number
}

/**
 * The loop that pretraining and training share: epochs over scans in a seeded order, the next batch read while the
 * device works, and one plan per batch size.
 */
export class Learner<Graph extends LearningGraph, Step extends StepRecord> {
  private readonly plans: PlanByBatch<Graph>

  constructor(
    gpu: Gpu,
    private readonly lesson: Lesson<Graph, Step>,
    private readonly settings: LearnerSettings,
    /** What the channels of segmentations are, for the Dice of scored scans. */
    private readonly prior: PriorLayout,
    { memoryLimit }: MemoryOptions,
    private cursor: Cursor = { epoch: 0, step: 0, stepOfEpoch: 0 },
  ) {
    this.plans = new PlanByBatch((batch) => compileDraft(gpu, lesson.build(batch)), memoryLimit !== undefined)
  }

  /**
   * Compiles the plans now, so that the first step does not have to.
   *
   * @throws UserError if they do not fit into memory
   */
  async prepare(scans: number): Promise<Preparation> {
    return this.plans.prepare(batchSizes(scans, this.settings.batchSize))
  }

  /** Progress of the run after the last yielded step. */
  get progress(): Cursor {
    return this.cursor
  }

  /**
   * Runs up to the last epoch, one step at a time.
   *
   * @throws Error if there are no scans, or fewer than the running epoch has taken already
   */
  async *train(
    scans: readonly TrainingScan[],
    { ahead = false, signal, watch }: LearnOptions = {},
  ): AsyncGenerator<Step> {
    const watched = ({ batch, epoch }: Turn): boolean =>
      watch !== undefined && batch.includes(watch.scan) && watch.wants(epoch)
    while (this.cursor.epoch < this.settings.epochs && !signal?.aborted) {
      yield* inTurn(
        this.turnsLeft(scans),
        {
          load: ({ batch }) => loadBatch(batch),
          submit: (turn, data) => this.submit(turn, data, watched(turn) ? watch : undefined),
          finish: (turn, outcome, seconds) => this.finish(turn, outcome, seconds),
          // The next step would overwrite the segmentation to be read, and another plan may replace this one.
          overlaps: (turn, next) =>
            ahead && !isScored(turn.batch) && !watched(turn) && next.batch.length === turn.batch.length,
        },
        signal,
      )
    }
  }

  /**
   * What the next step would compute, and of what, for `checkFinite`: not while a step is under way.
   *
   * @throws Error if there is none
   */
  async nextStep(scans: readonly TrainingScan[]): Promise<FiniteCheckOptions> {
    const [turn] = this.cursor.epoch < this.settings.epochs ? this.turnsLeft(scans) : []
    if (!turn) throw new Error('nextStep: the last step is done')
    const { graph, options, constants } = this.lesson.build(turn.batch.length)
    const { data } = await loadBatch(turn.batch)
    const inputs = new Map<Value, Float32Array | Uint32Array>([
      ...constants,
      [graph.scan, data],
      ...this.lesson.inputs(graph, turn),
    ])
    return { ...options, inputs }
  }

  /**
   * The dispatches of a step of the largest batch, timed on the device. The weights do not change. Call it only at the
   * end of an epoch, when no step is in flight.
   *
   * @throws Error if no step has run yet, or the device has no timestamps
   */
  async profile(): Promise<DispatchRow[]> {
    const plan = this.plans.largest
    if (!plan) throw new Error('profile: no step has run yet')
    return profiled(plan)
  }

  /** Releases the plans; the variables stay. */
  dispose(): void {
    this.plans.dispose()
  }

  /**
   * The steps that are left of the running epoch.
   *
   * @throws Error if there are none: an epoch ends with its last step, so a run of empty epochs would never end
   */
  private turnsLeft(scans: readonly TrainingScan[]): Turn[] {
    const { batchSize, seed } = this.settings
    const { epoch, step, stepOfEpoch } = this.cursor
    const left = epochBatches(scans, batchSize, seed, epoch).slice(stepOfEpoch)
    if (left.length === 0)
      throw new Error(
        `${scans.length} scans leave no step of epoch ${epoch + 1}, of which ${stepOfEpoch} are done: give the scans that it began with`,
      )
    return left.map((batch, i) => ({
      batch,
      epoch: epoch + 1,
      step: step + 1 + i,
      lastOfEpoch: i === left.length - 1,
    }))
  }

  private async submit(
    turn: Turn,
    { data, truths }: LoadedBatch,
    watch: Watch | undefined,
  ): Promise<{ result: Promise<Outcome> }> {
    const { plan, graph } = await this.plans.get(turn.batch.length)
    plan.write(graph.scan, data)
    for (const [value, content] of this.lesson.inputs(graph, turn)) plan.write(value, content)
    const report = plan.run()
    const segmentation = isScored(turn.batch) || watch ? plan.readUint(graph.segmentation) : undefined
    const outcome = async (): Promise<Outcome> => {
      const [values, classes] = await Promise.all([report, segmentation])
      if (watch) this.show(turn, classes!, watch)
      return { report: values, dice: classes && batchDice(classes, truths, this.prior) }
    }
    return { result: outcome() }
  }

  private show({ batch, ...turn }: Turn, classes: Uint32Array, watch: Watch): void {
    const size = classes.length / batch.length
    const start = batch.indexOf(watch.scan) * size
    const own = new Uint8Array(classes.subarray(start, start + size))
    watch.seen(turn, onWholeGrid(own, this.prior))
  }

  private finish({ epoch, step, lastOfEpoch }: Turn, { report, dice }: Outcome, seconds: number): Step {
    const finished = this.lesson.finish({ epoch, step, lastOfEpoch, seconds, dice }, report)
    const stepOfEpoch = lastOfEpoch ? 0 : this.cursor.stepOfEpoch + 1
    this.cursor = { epoch: lastOfEpoch ? epoch : epoch - 1, step, stepOfEpoch }
    return finished
  }
}

/** The results of a step on the device. */
interface Outcome {
  readonly report: readonly Float32Array[]
  readonly dice: readonly (number | undefined)[] | undefined
}
