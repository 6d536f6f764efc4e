import { priorArgmax, resamplePosterior, Segmenter, voxelMap, type Gpu, type Segmentation } from 'sae-webgpu'
import type { Grid } from 'sae-webgpu/io'
import type { Knowledge, Scan } from './data-set.js'
import { priorFor, scaledFor, type Network } from './network.js'
import type { DeviceSettings, EngineEvent } from './protocol.js'

/** A segmentation on the grid of the prior, and on that of the scan's file. */
interface Found {
  /** Classes on the grid of the prior, to compare with a reference. */
  readonly working: Uint8Array
  readonly classes: Uint8Array
  readonly posterior: Float32Array
  readonly grid: Grid
}

/** Segmentations with the current weights. Caches the latest, because the layers of a scan are requested one by one. */
export class Segmentations {
  private segmenter: Promise<Segmenter> | undefined
  private latest: { readonly scan: number; readonly result: Promise<Found> } | undefined
  /** One at a time: they share a plan. */
  private queue: Promise<unknown> = Promise.resolve()

  /** @param emit gets what is going on */
  constructor(
    private readonly gpu: Gpu,
    private readonly knowledge: Knowledge,
    private readonly scans: readonly Scan[],
    private readonly network: Network,
    private device: DeviceSettings,
    private readonly emit: (event: EngineEvent) => void,
  ) {}

  async of(index: number): Promise<Found> {
    if (this.latest?.scan !== index) {
      const result = this.queue.then(() => this.segment(this.scans[index]!))
      this.queue = result.catch(() => undefined)
      this.latest = { scan: index, result }
      // The next attempt may have more memory.
      result.catch(() => {
        if (this.latest?.result === result) this.latest = undefined
      })
    }
    return this.latest.result
  }

  /** Segments within other bounds of the device from now on; the latest result stays. */
  bound(device: DeviceSettings): void {
    const { memoryLimit, precision } = this.device
    if (device.memoryLimit === memoryLimit && device.precision === precision) return
    this.device = device
    const former = this.segmenter
    this.segmenter = undefined
    // It may be at work.
    this.queue = this.queue.then(() => release(former))
  }

  /** Clears the cache after the weights have changed. */
  forget(): void {
    this.latest = undefined
  }

  async dispose(): Promise<void> {
    await this.queue
    await release(this.segmenter)
  }

  private async segment(scan: Scan): Promise<Found> {
    try {
      const segmenter = await this.compiled()
      this.tell(`Segmenting ${scan.name}`)
      const found = await segmenter.segment(scaledFor(this.network, scan).data)
      if (scan.original) this.tell(`Bringing the segmentation onto the grid of ${scan.name}`)
      return onFile(scan, found)
    } finally {
      this.tell(undefined)
    }
  }

  private tell(text: string | undefined): void {
    this.emit({ type: 'segmenting', text })
  }

  private compiled(): Promise<Segmenter> {
    if (this.segmenter) return this.segmenter
    this.tell('Compiling the kernels that segment')
    const made = this.compile()
    this.segmenter = made
    made.catch(() => {
      if (this.segmenter === made) this.segmenter = undefined
    })
    return made
  }

  private compile(): Promise<Segmenter> {
    const { model, variables } = this.network
    const { memoryLimit, precision } = this.device
    const prior = priorFor(model, this.knowledge.prior)
    return Segmenter.create(this.gpu, model, variables, prior, { posterior: true, memoryLimit, precision })
  }
}

async function release(segmenter: Promise<Segmenter> | undefined): Promise<void> {
  const made = await segmenter?.catch(() => undefined)
  made?.dispose()
}

/** Results on the grid of the scan's file, as `sae segment --resample` writes them. */
function onFile({ original, grid }: Scan, { classes, posterior }: Segmentation): Found {
  const working = classes
  if (!original) return { working, classes, posterior: posterior!, grid }
  const { grid: own } = original
  const map = voxelMap(grid.affine, own.affine, own.shape)
  const placed = resamplePosterior(posterior!, grid.shape, map, own.shape)
  const voxels = own.shape[0] * own.shape[1] * own.shape[2]
  return { working, classes: priorArgmax(placed, placed.length / voxels), posterior: placed, grid: own }
}
