import {
  createModel,
  defaultArchitecture,
  diceScores,
  loadTensors,
  openDevice,
  UserError,
  Variables,
  type AdapterSummary,
  type Architecture,
  type CheckpointInfo,
  type Gpu,
  type Model,
  type NamedTensor,
} from 'sae-webgpu'
import { gzip } from 'sae-webgpu/io'
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint-file.js'
import { phantomData, readDataSet, summaryOf, type DataSet, type Scan } from './data-set.js'
import { encodeClasses, encodeImage, encodeSegmentation } from './images.js'
import type {
  Calls,
  ChosenFiles,
  DataSummary,
  EngineEvent,
  ImageFile,
  Layer,
  Overlay,
  PhantomRecipe,
  RunSettings,
  RunState,
  SavedRun,
} from './protocol.js'
import { Run, type Network } from './run.js'
import { Segmentations } from './segmentations.js'
import { Storage } from './storage.js'

/** Least time between two segmentations during training: each delays training by a forward pass. */
const millisecondsBetweenUpdates = 1000

/** The state of the worker: the device, data, weights, and the run that trains them. */
export class Session implements Calls {
  private readonly storage = new Storage()
  private gpu: Gpu | undefined
  private data: DataSet | undefined
  private network: Network | undefined
  private segmentations: Segmentations | undefined
  private run: Run | undefined
  private keeping = true
  private updated = 0

  constructor(private readonly emit: (event: EngineEvent) => void) {}

  async open(): Promise<AdapterSummary> {
    this.gpu = await openDevice()
    void this.gpu.device.lost.then(({ message, reason }) => {
      this.emit({ type: 'lost', reason: message || reason })
    })
    return this.gpu.adapter
  }

  async savedRun(): Promise<SavedRun | undefined> {
    const stored = await this.storage.run()
    return stored && { description: stored.description, state: stored.state, saved: stored.saved }
  }

  async restore(): Promise<{ data: DataSummary; state: RunState }> {
    const stored = await this.storage.run()
    const data = await this.storage.data()
    if (!stored || !data) throw new UserError('the saved run no longer exists')
    const { tensors, info } = decodeCheckpoint(stored.checkpoint, 'kept.safetensors')
    await this.take(data)
    const network = await this.takeNetwork(info, stored.state.settings.seed, tensors)
    this.run = this.newRun(network, stored.state, tensors)
    return { data: summaryOf(data), state: stored.state }
  }

  async forget(): Promise<void> {
    await this.storage.forget()
  }

  async makePhantoms(recipe: PhantomRecipe): Promise<DataSummary> {
    return this.take(phantomData(recipe))
  }

  async readFiles(files: ChosenFiles): Promise<DataSummary> {
    return this.take(await readDataSet(files))
  }

  async loadWeights(file: File): Promise<string> {
    const { prior } = this.requireData()
    const { tensors, info } = decodeCheckpoint(new Uint8Array(await file.arrayBuffer()), file.name)
    const { classes } = info.architecture
    if (classes !== prior.classes) {
      throw new UserError(
        `${file.name}: its encoder has ${classes} classes, but the prior has ${prior.classes}`,
      )
    }
    await this.takeNetwork(info, 0, tensors, file.name)
    return info.training ? `trained for ${info.training.progress.epoch} epochs` : 'weights of an encoder'
  }

  async train(settings: RunSettings | undefined): Promise<'done' | 'stopped'> {
    if (settings) await this.begin(settings)
    if (!this.run) throw new UserError('there is no run to resume')
    const run = this.run
    const outcome = await run.go()
    await this.keep(run)
    this.weightsChanged()
    return outcome
  }

  setPaused(paused: boolean): Promise<void> {
    this.run?.setPaused(paused)
    return Promise.resolve()
  }

  stop(): Promise<void> {
    this.run?.stop()
    return Promise.resolve()
  }

  scan(index: number): Promise<ImageFile> {
    const { name, data, grid } = this.requireScan(index)
    return Promise.resolve(encodeImage(name, data, grid, 'float32'))
  }

  async overlay(index: number, layer: Layer, channel: number): Promise<Overlay | undefined> {
    const { prior, table } = this.requireData()
    const { name, grid, truth } = this.requireScan(index)
    const probability = (data: Float32Array): Overlay => {
      const voxels = data.length / prior.classes
      const plane = data.subarray(channel * voxels, (channel + 1) * voxels)
      return {
        image: encodeImage(`${name} ${layer}`, plane, grid, 'float32'),
        kind: 'probability',
        dice: undefined,
      }
    }
    const labels = (classes: Uint8Array, dice?: readonly number[]): Overlay => {
      return { image: encodeClasses(`${name} ${layer}`, classes, table, grid), kind: 'labels', dice }
    }
    if (layer === 'prior') return probability(prior.data)
    if (layer === 'reference') return truth && labels(truth)
    if (layer === 'none' || !this.segmentations) return undefined
    const { classes, posterior } = await this.segmentations.of(index)
    if (layer === 'posterior') return probability(posterior!)
    return labels(classes, truth && diceScores(classes, truth, prior.classes))
  }

  async saveSegmentation(index: number): Promise<ImageFile> {
    const { table } = this.requireData()
    const { name, grid } = this.requireScan(index)
    if (!this.segmentations) throw new UserError('train first, or load weights')
    const { classes } = await this.segmentations.of(index)
    const image = encodeSegmentation(`${name}_dseg`, classes, table, grid)
    return { name: `${image.name}.gz`, bytes: new Uint8Array(gzip(image.bytes)) }
  }

  async saveWeights(): Promise<ImageFile> {
    const { table } = this.requireData()
    if (!this.network) throw new UserError('train first, or load weights')
    const { model, variables, intensities } = this.network
    const bytes = await (this.run?.checkpoint() ??
      encodeCheckpoint(model, variables, table, intensities, undefined))
    const stage = this.run?.current.stage === 'pretraining' ? 'pretrained' : 'trained'
    return { name: `${stage}.safetensors`, bytes }
  }

  private async begin(settings: RunSettings): Promise<void> {
    const data = this.requireData()
    const fresh = settings.pretrainingEpochs > 0 || !this.network
    const network = fresh
      ? await this.takeNetwork(freshNetwork(settings, data.prior.classes), settings.seed)
      : this.network!
    this.run?.dispose()
    const stage = settings.pretrainingEpochs > 0 ? 'pretraining' : 'training'
    this.run = this.newRun(network, { settings, stage, epoch: 0, history: [], progress: undefined })
    this.keeping = true
    await this.storage.saveData(data).catch((error: unknown) => {
      this.notKept(error)
    })
  }

  private newRun(network: Network, state: RunState, restored?: ReadonlyMap<string, NamedTensor>): Run {
    const run: Run = new Run(
      this.requireGpu(),
      this.requireData(),
      network,
      state,
      restored,
      this.emit,
      async () => {
        await this.keep(run)
        if (performance.now() - this.updated >= millisecondsBetweenUpdates) this.weightsChanged()
      },
    )
    return run
  }

  /** Saves the run for a later visit. If the browser refuses, the run continues. */
  private async keep(run: Run): Promise<void> {
    if (!this.keeping) return
    const { description } = this.requireData()
    const state = run.current
    const checkpoint = await run.checkpoint()
    try {
      await this.storage.saveRun({ description, state, saved: Date.now(), checkpoint })
    } catch (error) {
      this.notKept(error)
    }
  }

  private notKept(error: unknown): void {
    this.keeping = false
    this.emit({ type: 'notSaved', reason: error instanceof Error ? error.message : String(error) })
  }

  private weightsChanged(): void {
    this.updated = performance.now()
    this.segmentations?.forget()
    this.emit({ type: 'updated' })
  }

  private async take(data: DataSet): Promise<DataSummary> {
    await this.dropNetwork()
    this.data = data
    return summaryOf(data)
  }

  /** Initialises weights on the device from the seed, then overwrites them with `tensors`. */
  private async takeNetwork(
    { architecture, intensities }: Pick<CheckpointInfo, 'architecture' | 'intensities'>,
    seed: number,
    tensors?: ReadonlyMap<string, NamedTensor>,
    source = 'kept.safetensors',
  ): Promise<Network> {
    const gpu = this.requireGpu()
    const model = createModel(architecture, seed)
    const variables = new Variables(gpu)
    if (tensors) loadTensors(variables, presentIn(tensors, model), tensors, source)
    await this.dropNetwork()
    this.network = { model, variables, intensities }
    this.segmentations = new Segmentations(gpu, this.requireData(), this.network)
    return this.network
  }

  private async dropNetwork(): Promise<void> {
    this.run?.dispose()
    this.run = undefined
    await this.segmentations?.dispose()
    this.segmentations = undefined
    this.network?.variables.dispose()
    this.network = undefined
  }

  private requireGpu(): Gpu {
    if (!this.gpu) throw new UserError('there is no graphics device to compute on')
    return this.gpu
  }

  private requireData(): DataSet {
    if (!this.data) throw new UserError('choose scans and a prior first, or make phantoms')
    return this.data
  }

  private requireScan(index: number): Scan {
    const scan = this.requireData().scans[index]
    if (!scan) throw new UserError(`there is no scan ${index + 1}`)
    return scan
  }
}

/** The page scales scans to 0..1, so the networks that it trains expect that. */
function freshNetwork(settings: RunSettings, classes: number) {
  return { architecture: architectureFor(settings, classes), intensities: 'unit' } as const
}

function architectureFor({ network }: RunSettings, classes: number): Architecture {
  if (network === 'paper') return defaultArchitecture(classes)
  return { classes, widths: [4, 16, 32, 64], instanceNorm: true }
}

/** All parameters, or only the encoder's if the file has no decoder, as after pretraining. */
function presentIn(tensors: ReadonlyMap<string, NamedTensor>, { parameters, encoder }: Model) {
  return tensors.has('decoder.weight') ? parameters : encoder.parameters
}
