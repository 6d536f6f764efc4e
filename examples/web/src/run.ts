import {
  fitDecoder,
  foregroundClasses,
  loadTensors,
  meanDice,
  Pretrainer,
  profiledLoss,
  recipes,
  Trainer,
  type Gpu,
  type LabelTable,
  type PretrainingStep,
  type TrainingProgress,
  type TrainingSettings,
  type TrainingStep,
} from 'sae-webgpu'
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint-file.js'
import { EpochFigures } from './epoch-figures.js'
import type { Network } from './network.js'
import { Pace } from './pace.js'
import type { DeviceSettings, EngineEvent, HistoryPoint, RunState, Stage } from './protocol.js'
import type { Lesson } from './start.js'

type Step = PretrainingStep | TrainingStep

/**
 * A run through pretraining, the fit of the decoder and training that can be paused, stopped, saved and resumed. Resumed
 * training gives the same bits as an uninterrupted run; resumed pretraining keeps the weights but starts with a fresh
 * optimiser.
 */
export class Run {
  private state: RunState
  private trainer: Trainer | undefined
  private readonly history: HistoryPoint[]
  private aborter = new AbortController()
  private pace = new Pace()
  /** While paused: steps wait for it. */
  private gate: Promise<void> | undefined
  private openGate: (() => void) | undefined
  /** The checkpoint that the next trainer starts from, with its optimiser's state. */
  private restored: Uint8Array<ArrayBuffer> | undefined

  /**
   * @param checkpoint what the run goes on from; its weights are in the network already
   * @param afterEpoch called and awaited after each epoch
   */
  constructor(
    private readonly gpu: Gpu,
    private readonly lesson: Lesson,
    private readonly table: LabelTable,
    private readonly network: Network,
    state: RunState,
    checkpoint: Uint8Array<ArrayBuffer> | undefined,
    private readonly emit: (event: EngineEvent) => void,
    private readonly afterEpoch: (run: Run) => Promise<void>,
  ) {
    this.state = state
    this.history = [...state.history]
    this.restore(checkpoint)
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
    // Paused before the first step.
    await this.gate
    if (!this.stopped && this.state.stage === 'pretraining') await this.pretrain()
    if (!this.stopped && this.state.stage === 'pretraining') {
      this.state = { ...this.state, stage: 'training', epoch: 0 }
    }
    if (!this.stopped && this.needsDecoder) await this.fitDecoder()
    if (!this.stopped) await this.train()
    return this.stopped ? 'stopped' : 'done'
  }

  /** Goes on within other bounds of the device: its plans are made anew. */
  async bound({ memoryLimit, precision }: DeviceSettings): Promise<void> {
    const { settings } = this.state
    if (settings.memoryLimit === memoryLimit && settings.precision === precision) return
    if (this.trainer) {
      const checkpoint = await this.checkpoint()
      this.state = this.current
      this.restore(checkpoint)
      this.trainer.dispose()
      this.trainer = undefined
    }
    this.state = { ...this.state, settings: { ...settings, memoryLimit, precision } }
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
    // A run that was resumed and stopped before its next step is as it was.
    if (this.restored) return this.restored
    const { model, variables, intensities } = this.network
    return encodeCheckpoint(
      model,
      variables,
      this.network.hasDecoder || this.current.progress !== undefined,
      this.table,
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

  private restore(checkpoint: Uint8Array<ArrayBuffer> | undefined): void {
    // Before the first step of training there is no state of its optimiser.
    if (this.state.progress && this.state.progress.step > 0) this.restored = checkpoint
  }

  private get stopped(): boolean {
    return this.aborter.signal.aborted
  }

  private get memory() {
    return { memoryLimit: this.state.settings.memoryLimit }
  }

  private async pretrain(): Promise<void> {
    const { recipe, pretrainingEpochs, pretrainingRate, batchSize, seed, precision } = this.state.settings
    const done = this.state.epoch
    if (done >= pretrainingEpochs) return
    const settings = {
      ...recipes[recipe].pretraining.settings,
      epochs: pretrainingEpochs - done,
      learningRate: pretrainingRate,
      batchSize,
      seed: seed + done,
      precision,
    }
    const { model, variables } = this.network
    const { prior, scans } = this.lesson
    const pretrainer = new Pretrainer(this.gpu, model, variables, prior, settings, undefined, this.memory)
    try {
      this.emit({ type: 'status', text: 'Compiling the kernels of pretraining' })
      await pretrainer.prepare(scans)
      const target = settings.target === 'mixture' ? 'the mixture of' : 'the prior for'
      this.emit({ type: 'status', text: `Pretraining: the encoder learns to predict ${target} every scan` })
      const steps = pretrainer.train(scans, { ahead: true, signal: this.aborter.signal })
      await this.follow('pretraining', pretrainingEpochs, done, steps)
    } finally {
      pretrainer.dispose()
    }
  }

  /** Whether the recipe fits a decoder before training, and this run has not done so. */
  private get needsDecoder(): boolean {
    return (this.trainingSettings.decoderSteps ?? 0) > 0 && !this.state.progress && !this.network.hasDecoder
  }

  private async fitDecoder(): Promise<void> {
    const { model, variables } = this.network
    const { prior, scans } = this.lesson
    const settings = this.trainingSettings
    const steps = settings.decoderSteps!
    let done = 0
    const tell = (): void => {
      const share = Math.min(1, done / steps)
      this.emit({ type: 'preparing', text: `Fitting the decoder: step ${done} of ${steps}`, share })
    }
    this.emit({ type: 'status', text: "Fitting the decoder to the encoder's answers" })
    tell()
    const noise = await fitDecoder(this.gpu, model, variables, prior, settings, scans, {
      ...this.memory,
      signal: this.aborter.signal,
      onStep: () => {
        done = Math.min(done + 1, steps)
        tell()
      },
    })
    if (this.stopped) return
    const progress: TrainingProgress = { epoch: 0, step: 0, ...noise }
    this.state = { ...this.state, progress }
  }

  private async train(): Promise<void> {
    this.emit({ type: 'status', text: 'Compiling the kernels of training' })
    this.trainer ??= this.makeTrainer()
    const { scans } = this.lesson
    await this.trainer.prepare(scans)
    this.emit({ type: 'status', text: 'Training: the segmentation learns to explain the scan' })
    const steps = this.trainer.train(scans, { ahead: true, signal: this.aborter.signal })
    await this.follow('training', this.state.settings.trainingEpochs, 0, steps)
  }

  private get trainingSettings(): TrainingSettings {
    const { recipe, trainingEpochs, trainingRate, beta, neighbourhood, batchSize, seed, precision } =
      this.state.settings
    return {
      ...recipes[recipe].training.settings,
      epochs: trainingEpochs,
      learningRate: trainingRate,
      beta,
      neighbourhood,
      batchSize,
      seed,
      precision,
    }
  }

  private makeTrainer(): Trainer {
    const { model, variables } = this.network
    const { progress } = this.state
    const { prior } = this.lesson
    const trainer = new Trainer(
      this.gpu,
      model,
      variables,
      prior,
      this.trainingSettings,
      progress,
      this.memory,
    )
    if (this.restored) {
      const { tensors } = decodeCheckpoint(this.restored, 'kept.safetensors')
      loadTensors(variables, trainer.optimiser.state, tensors, 'the saved run')
    }
    this.restored = undefined
    return trainer
  }

  private async follow(
    stage: Stage,
    epochs: number,
    done: number,
    steps: AsyncIterable<Step>,
  ): Promise<void> {
    const { scans, prior } = this.lesson
    const { trainingEpochs, batchSize, recipe } = this.state.settings
    const stepsPerEpoch = Math.ceil(scans.length / batchSize)
    const voxels = prior.data.length / prior.classes
    const { errorFactor } = recipes[recipe].training.settings
    const figures = new EpochFigures((terms) => profiledLoss(terms, voxels, errorFactor))
    const counted = foregroundClasses(this.table)
    this.pace.restart()
    for await (const step of steps) {
      figures.add(step, step.dice && meanDice(step.dice, counted))
      const epoch = done + step.epoch
      const point = { stage, epoch, loss: figures.loss, dice: figures.dice }
      this.note(point)
      this.pace.step()
      const later = stage === 'pretraining' ? trainingEpochs : 0
      const left = (epochs - epoch + later) * stepsPerEpoch + stepsPerEpoch - figures.steps
      const secondsLeft = this.pace.secondsFor(Math.max(0, left))
      this.emit({ type: 'progress', stage, epochs, point, secondsLeft })
      if (step.lastOfEpoch) {
        figures.clear()
        this.state = { ...this.state, epoch }
        await this.afterEpoch(this)
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
