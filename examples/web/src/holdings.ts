import type { CheckpointInfo, Gpu, NamedTensor } from 'sae-webgpu'
import { summaryOf, type DataSet } from './data-set.js'
import { dataFor, holdWeights, type HeldWeights } from './held-weights.js'
import type { Keeper } from './keeper.js'
import { createNetwork, type Network } from './network.js'
import type { DataSummary, DeviceSettings, EngineEvent } from './protocol.js'
import { required } from './required.js'
import type { Run } from './run.js'
import { Segmentations } from './segmentations.js'

export const untrained = 'train first, or load weights'

/** What the worker holds: the device, data, weights, and the run that trains them. */
export class Holdings {
  protected gpu: Gpu | undefined
  protected data: DataSet | undefined
  protected network: Network | undefined
  /** What its weights are, in words. Undefined for those that are held already, and for the sample's, which stay with it. */
  protected weightsName: string | undefined
  /** For the scans that are opened next. */
  private held: HeldWeights | undefined
  protected run: Run | undefined
  protected keeper: Keeper | undefined
  /** Of a run to go on with that needs its mixtures first: resumed from storage. */
  protected resumable: (() => Promise<Run | undefined>) | undefined
  protected segmentations: Segmentations | undefined
  protected device: DeviceSettings = { memoryLimit: undefined, precision: 'f32' }

  constructor(protected readonly emit: (event: EngineEvent) => void) {}

  /** @param keepWeights whether to segment the data with the weights that there are, if these fit */
  protected async take(data: DataSet, keepWeights: boolean): Promise<DataSummary> {
    await this.hold()
    await this.dropNetwork()
    this.data = data
    const { held } = this
    if (!held || !keepWeights) return summaryOf(data)
    const { data: fitting, line } = dataFor(held, data)
    if (fitting) {
      this.data = fitting
      await this.takeNetwork(held.info, 0, held.tensors, held.name)
    }
    return { ...summaryOf(this.data), weights: { inUse: fitting !== undefined, line } }
  }

  private async hold(): Promise<void> {
    const { network, weightsName, run, keeper } = this
    if (!network || weightsName === undefined) return
    const place = keeper ? await keeper.place() : ''
    this.held = await holdWeights(network, run, this.requireKnowledge().table, weightsName, place)
  }

  /** Initialises weights on the device from the seed, then overwrites them with `tensors`. */
  protected async takeNetwork(
    info: Pick<CheckpointInfo, 'architecture' | 'intensities'>,
    seed: number,
    tensors?: ReadonlyMap<string, NamedTensor>,
    source = 'kept.safetensors',
  ): Promise<Network> {
    const [gpu, knowledge] = [this.requireGpu(), this.requireKnowledge()]
    const network = createNetwork(gpu, info, seed, tensors, source)
    await this.dropNetwork()
    this.network = network
    const { scans } = this.requireData()
    this.segmentations = new Segmentations(gpu, knowledge, scans, network, this.device, this.emit)
    return network
  }

  protected dropRun(): void {
    this.run?.dispose()
    this.run = undefined
    this.resumable = undefined
    this.keeper = undefined
  }

  protected async dropNetwork(): Promise<void> {
    this.dropRun()
    await this.segmentations?.dispose()
    this.segmentations = undefined
    this.network?.variables.dispose()
    this.network = undefined
    this.weightsName = undefined
  }

  protected get trainedHere(): string {
    return `the weights trained on ${this.requireData().description}`
  }

  protected requireGpu(): Gpu {
    return required(this.gpu, 'there is no graphics device to compute on')
  }

  protected requireData(): DataSet {
    return required(this.data, 'open a scan first')
  }

  protected requireKnowledge(): NonNullable<DataSet['knowledge']> {
    const line = 'choose a prior first: probabilities, or a label map of another person'
    return required(this.requireData().knowledge, line)
  }

  protected requireSegmentations(): Segmentations {
    return required(this.segmentations, untrained)
  }
}
