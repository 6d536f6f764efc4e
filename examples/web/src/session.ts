import { openDevice, recipes, UserError } from 'sae-webgpu'
import { historyOf, readCheckpoint } from './checkpoint-file.js'
import { channelCount } from './contrasts.js'
import { arranged, namedBy, phantomData, readDataSet, summaryOf } from './data-set.js'
import {
  knowledgeFiles,
  overlayOf,
  reportFile,
  scanImage,
  scanOf,
  segmentationFile,
  weightsFile,
} from './exhibits.js'
import { sortFile } from './file-kinds.js'
import { Holdings, untrained } from './holdings.js'
import { Keeper, reopen } from './keeper.js'
import { requireFits, scaledFor, type Network } from './network.js'
import type {
  Calls,
  ChosenFiles,
  DataSummary,
  Device,
  DeviceSettings,
  ImageFile,
  Layer,
  OpenedWeights,
  Overlay,
  PhantomRecipe,
  RestoredRun,
  RunSettings,
  RunState,
  SavedRun,
  SortedFile,
} from './protocol.js'
import { required } from './required.js'
import { Run } from './run.js'
import { sampleFiles, sampleWeights } from './sample.js'
import { lessonFor, newLesson, type Lesson } from './start.js'
import { Storage } from './storage.js'

/** Least time between two segmentations during training: each delays training by a forward pass. */
const millisecondsBetweenUpdates = 1000

/** The worker's end of the calls. */
export class Session extends Holdings implements Calls {
  private readonly storage = new Storage()
  /** Stops what precedes a run. */
  private aborter = new AbortController()
  /** Whether the visitor paused, perhaps what precedes a run. */
  private paused = false
  private updated = 0

  async open(): Promise<Device> {
    this.gpu = await openDevice()
    void this.gpu.device.lost.then(({ message, reason }) => {
      this.emit({ type: 'lost', reason: message || reason })
    })
    return { ...this.gpu.adapter, storesHalf: this.gpu.device.features.has('shader-f16') }
  }

  savedRuns(): Promise<readonly SavedRun[]> {
    return this.storage.runs()
  }

  async restore(id: string): Promise<RestoredRun> {
    const { stored, data, tensors, info } = await reopen(this.storage, id)
    const { state } = stored
    await this.take(data, false)
    const network = await this.takeNetwork(info, state.settings.seed, tensors)
    this.weightsName = this.trainedHere
    this.keeper = new Keeper(this.storage, data, this.emit, stored)
    this.resumable = () => this.newRun(network, state, stored.checkpoint)
    return { data: summaryOf(data), state, files: knowledgeFiles(data) }
  }

  async rename(id: string, name: string): Promise<void> {
    await this.storage.rename(id, name)
    this.keeper?.rename(id, name)
  }

  forget(id: string): Promise<void> {
    return this.storage.forget(id)
  }

  async makePhantoms(recipe: PhantomRecipe): Promise<DataSummary> {
    return this.take(phantomData(recipe), true)
  }

  sortFiles(files: readonly File[]): Promise<readonly SortedFile[]> {
    return Promise.all(files.map(sortFile))
  }

  async readFiles(files: ChosenFiles, keepWeights: boolean): Promise<DataSummary> {
    return this.take(await readDataSet(files), keepWeights)
  }

  async arrange(order: readonly number[], keepWeights: boolean): Promise<DataSummary> {
    return this.take(arranged(this.requireData(), order), keepWeights)
  }

  async openSample(): Promise<DataSummary> {
    return this.take({ ...(await readDataSet(await sampleFiles())), notes: [] }, false)
  }

  async loadWeights(file: File | undefined): Promise<OpenedWeights> {
    const knowledge = this.requireKnowledge()
    const data = this.requireData()
    const given = file ?? (await sampleWeights())
    const { tensors, info } = await readCheckpoint(given)
    requireFits(info, data, knowledge, given.name)
    await this.takeNetwork(info, 0, tensors, given.name)
    this.weightsName = file?.name
    this.data = namedBy(data, info.table)
    return { what: historyOf(info), data: summaryOf(this.data) }
  }

  setDevice(device: DeviceSettings): Promise<void> {
    this.device = device
    this.segmentations?.bound(device)
    return Promise.resolve()
  }

  async train(settings: RunSettings | undefined): Promise<'done' | 'stopped'> {
    this.aborter = new AbortController()
    this.paused = false
    await this.run?.bound(this.device)
    const run = settings ? await this.begin(settings) : (this.run ?? (await this.resumable?.()))
    if (!run) {
      if (this.aborter.signal.aborted) return 'stopped'
      throw new UserError('there is no run to resume')
    }
    this.run = run
    this.resumable = undefined
    run.setPaused(this.paused)
    const outcome = this.aborter.signal.aborted ? 'stopped' : await run.go()
    await this.keeper?.keep(run)
    this.weightsChanged()
    return outcome
  }

  setPaused(paused: boolean): Promise<void> {
    this.paused = paused
    this.run?.setPaused(paused)
    return Promise.resolve()
  }

  stop(): Promise<void> {
    this.aborter.abort()
    this.run?.stop()
    return Promise.resolve()
  }

  scan(index: number, contrast: number): Promise<ImageFile> {
    return Promise.resolve(scanImage(scanOf(this.requireData(), index), contrast))
  }

  overlay(index: number, layer: Layer, channel: number): Promise<Overlay | undefined> {
    return overlayOf(this.requireData(), index, layer, channel, this.segmentations)
  }

  async saveSegmentation(index: number): Promise<ImageFile> {
    return segmentationFile(this.requireData(), this.requireKnowledge(), index, this.requireSegmentations())
  }

  async saveReport(index: number): Promise<ImageFile> {
    return reportFile(this.requireData(), this.requireKnowledge(), index, this.requireSegmentations())
  }

  async saveWeights(): Promise<ImageFile> {
    return weightsFile(required(this.network, untrained), this.run, this.requireKnowledge().table)
  }

  /** A new run. Undefined if it was stopped before its first step. */
  private async begin(settings: RunSettings): Promise<Run | undefined> {
    const fresh = settings.pretrainingEpochs > 0 || !this.network
    const stage = settings.pretrainingEpochs > 0 ? 'pretraining' : 'training'
    const state: RunState = { settings, stage, epoch: 0, history: [], progress: undefined }
    let run: Run | undefined
    this.dropRun()
    if (fresh) {
      await this.dropNetwork()
      const { intensities } = recipes[settings.recipe]
      const lesson = await newLesson(this.circumstances(settings, { intensities }))
      if (!lesson) return undefined
      const { architecture } = lesson.model
      const network = await this.takeNetwork({ architecture, intensities }, settings.seed)
      run = this.runOf(network, lesson, state)
    }
    run ??= await this.newRun(this.network!, state)
    if (!run) return undefined
    this.keeper = new Keeper(this.storage, this.requireData(), this.emit)
    await this.keeper.keepData()
    return run
  }

  private circumstances(settings: RunSettings, network: Pick<Network, 'intensities'>) {
    const { scans } = this.requireData()
    return {
      gpu: this.requireGpu(),
      knowledge: this.requireKnowledge(),
      scans: scans.map((scan) => scaledFor(network, scan)),
      channels: channelCount(scans),
      settings,
      emit: this.emit,
      signal: this.aborter.signal,
    }
  }

  /** Undefined if it was stopped while its mixtures were fitted. */
  private async newRun(
    network: Network,
    state: RunState,
    checkpoint?: Uint8Array<ArrayBuffer>,
  ): Promise<Run | undefined> {
    const settings = { ...state.settings, ...this.device }
    const lesson = await lessonFor(network.model, this.circumstances(settings, network))
    return lesson && this.runOf(network, lesson, { ...state, settings }, checkpoint)
  }

  private runOf(
    network: Network,
    lesson: Lesson,
    state: RunState,
    checkpoint?: Uint8Array<ArrayBuffer>,
  ): Run {
    const { table } = this.requireKnowledge()
    this.weightsName = this.trainedHere
    const keep = async (run: Run): Promise<void> => {
      await this.keeper?.keep(run)
      if (performance.now() - this.updated >= millisecondsBetweenUpdates) this.weightsChanged()
    }
    return new Run(this.requireGpu(), lesson, table, network, state, checkpoint, this.emit, keep)
  }

  private weightsChanged(): void {
    this.updated = performance.now()
    this.segmentations?.forget()
    this.emit({ type: 'updated' })
  }
}
