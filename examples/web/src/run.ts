import {
  applyScaling,
  defaultPretraining,
  defaultTraining,
  foregroundClasses,
  loadTensors,
  meanDice,
  Pretrainer,
  scalingFor,
  Trainer,
  type Gpu,
  type Intensities,
  type Model,
  type NamedTensor,
  type PretrainingStep,
  type TrainingStep,
  type Variables,
} from 'sae-webgpu'
import { encodeCheckpoint } from './checkpoint-file.js'
import type { DataSet, Scan } from './data-set.js'
import { Pace } from './pace.js'
import type { EngineEvent, HistoryPoint, RunState, Stage } from './protocol.js'

/** A network with its weights on the device. */
export interface Network {
  readonly model: Model
  readonly variables: Variables
  /** The scaling of intensities that it expects. */
  readonly intensities: Intensities
}

/** A scan, scaled as a network expects. */
export function scaledFor({ intensities }: Network, scan: Scan): Scan {
  return { ...scan, data: applyScaling(scan.data, scalingFor(intensities, scan.data)) }
}

type Step = PretrainingStep | TrainingStep

/**
 * A run through pretraining and training that can be paused, stopped, saved and resumed. Resumed training gives the same
 * bits as an uninterrupted run; resumed pretraining keeps the weights but starts with a fresh optimiser.
 */
export class Run {
  private state: RunState
  private trainer: Trainer | undefined
  private readonly scans: readonly Scan[]
  private readonly history: HistoryPoint[]
  private aborter = new AbortController()
  private pace = new Pace()
  /** While paused: steps wait for it. */
  private gate: Promise<void> | undefined
  private openGate: (() => void) | undefined

  /**
   * @param restored tensors of a checkpoint with the optimiser's state, to resume training
   * @param afterEpoch called and awaited after each epoch
   */
  constructor(
    private readonly gpu: Gpu,
    private readonly data: DataSet,
    private readonly network: Network,
    state: RunState,
    private restored: ReadonlyMap<string, NamedTensor> | undefined,
    private readonly emit: (event: EngineEvent) => void,
    private readonly afterEpoch: () => Promise<void>,
  ) {
    this.state = state
    this.scans = data.scans.map((scan) => scaledFor(network, scan))
    this.history = [...state.history]
  }

  /** The progress of the run. */
  get current(): RunState {
    return {
      ...this.state,
      history: [...this.history],
      progress: this.trainer?.progress ?? this.state.progress,
    }
  }

  /** Runs to the end or until `stop`. */
  async go(): Promise<'done' | 'stopped'> {
    this.aborter = new AbortController()
    if (this.state.stage === 'pretraining') await this.pretrain()
    if (!this.stopped && this.state.stage === 'pretraining') {
      this.state = { ...this.state, stage: 'training', epoch: 0 }
    }
    if (!this.stopped) await this.train()
    return this.stopped ? 'stopped' : 'done'
  }

  setPaused(paused: boolean): void {
    if (paused && !this.gate) {
      this.gate = new Promise((resolve) => (this.openGate = resolve))
    } else if (!paused) {
      this.openGate?.()
      this.gate = undefined
      this.openGate = undefined
    }
  }

  stop(): void {
    this.aborter.abort()
    this.setPaused(false)
  }

  /** The weights and, during training, everything needed to resume, as a safetensors file. */
  async checkpoint(): Promise<Uint8Array<ArrayBuffer>> {
    const { model, variables, intensities } = this.network
    return encodeCheckpoint(
      model,
      variables,
      this.data.table,
      intensities,
      this.state.stage === 'training' ? this.trainer : undefined,
    )
  }

  /** Releases the run's device memory, but not the network's. */
  dispose(): void {
    this.stop()
    this.trainer?.dispose()
    this.trainer = undefined
  }

  private get stopped(): boolean {
    return this.aborter.signal.aborted
  }

  private async pretrain(): Promise<void> {
    const { pretrainingEpochs, pretrainingRate, batchSize, seed } = this.state.settings
    const done = this.state.epoch
    if (done >= pretrainingEpochs) return
    const settings = {
      ...defaultPretraining,
      epochs: pretrainingEpochs - done,
      learningRate: pretrainingRate,
      batchSize,
      seed: seed + done,
    }
    const { model, variables } = this.network
    const pretrainer = new Pretrainer(this.gpu, model, variables, this.data.prior, settings)
    try {
      this.emit({ type: 'status', text: 'Compiling the kernels of pretraining' })
      await pretrainer.prepare(this.scans)
      this.emit({
        type: 'status',
        text: 'Pretraining: the encoder learns to predict the prior for every scan',
      })
      const steps = pretrainer.train(this.scans, { ahead: true, signal: this.aborter.signal })
      await this.follow('pretraining', pretrainingEpochs, done, steps, (step) => step.crossEntropy)
    } finally {
      pretrainer.dispose()
    }
  }

  private async train(): Promise<void> {
    this.emit({ type: 'status', text: 'Compiling the kernels of training' })
    this.trainer ??= this.makeTrainer()
    await this.trainer.prepare(this.scans)
    this.emit({ type: 'status', text: 'Training: the segmentation learns to explain the scan' })
    const steps = this.trainer.train(this.scans, { ahead: true, signal: this.aborter.signal })
    await this.follow('training', this.state.settings.trainingEpochs, 0, steps, (step) => step.loss)
  }

  private makeTrainer(): Trainer {
    const { trainingEpochs, trainingRate, beta, neighbourhood, batchSize, seed } = this.state.settings
    const settings = {
      ...defaultTraining,
      epochs: trainingEpochs,
      learningRate: trainingRate,
      beta,
      neighbourhood,
      batchSize,
      seed,
    }
    const { model, variables } = this.network
    const { progress } = this.state
    const trainer = new Trainer(this.gpu, model, variables, this.data.prior, settings, progress)
    if (progress && this.restored) {
      const { state } = trainer.optimiser
      loadTensors(variables, state, this.restored, 'the saved run')
    }
    this.restored = undefined
    return trainer
  }

  private async follow<S extends Step>(
    stage: Stage,
    epochs: number,
    done: number,
    steps: AsyncIterable<S>,
    lossOf: (step: S) => number,
  ): Promise<void> {
    const stepsPerEpoch = Math.ceil(this.scans.length / this.state.settings.batchSize)
    const counted = foregroundClasses(this.data.table)
    let losses: number[] = []
    let scores: number[] = []
    this.pace.restart()
    for await (const step of steps) {
      losses.push(lossOf(step))
      if (step.dice) scores.push(meanDice(step.dice, counted))
      const epoch = done + step.epoch
      const point = { stage, epoch, loss: mean(losses), dice: scores.length > 0 ? mean(scores) : undefined }
      this.note(point)
      this.pace.step()
      const later = stage === 'pretraining' ? this.state.settings.trainingEpochs : 0
      const left = (epochs - epoch + later) * stepsPerEpoch + stepsPerEpoch - losses.length
      this.emit({
        type: 'progress',
        stage,
        epochs,
        point,
        secondsLeft: this.pace.secondsFor(Math.max(0, left)),
      })
      if (step.lastOfEpoch) {
        losses = []
        scores = []
        this.state = { ...this.state, epoch }
        await this.afterEpoch()
      }
      if (this.gate) {
        await this.gate
        this.pace.restart()
      }
    }
  }

  /** Adds a point to the history, or replaces the last one while its epoch is running. */
  private note(point: HistoryPoint): void {
    const last = this.history.at(-1)
    if (last?.stage === point.stage && last.epoch === point.epoch) this.history.pop()
    this.history.push(point)
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
