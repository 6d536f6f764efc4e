import { Segmenter, type Gpu, type Segmentation } from 'sae-webgpu'
import type { DataSet } from './data-set.js'
import { scaledFor, type Network } from './run.js'

/** Segmentations with the current weights. Caches the latest, because the layers of a scan are requested one by one. */
export class Segmentations {
  private segmenter: Promise<Segmenter> | undefined
  private latest: { readonly scan: number; readonly result: Promise<Segmentation> } | undefined
  /** One at a time: they share a plan. */
  private queue: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly gpu: Gpu,
    private readonly data: DataSet,
    private readonly network: Network,
  ) {}

  async of(scan: number): Promise<Segmentation> {
    if (this.latest?.scan !== scan) {
      const result = this.queue.then(async () => {
        this.segmenter ??= this.compile()
        return (await this.segmenter).segment(scaledFor(this.network, this.data.scans[scan]!).data)
      })
      this.queue = result.catch(() => undefined)
      this.latest = { scan, result }
    }
    return this.latest.result
  }

  /** Clears the cache after the weights have changed. */
  forget(): void {
    this.latest = undefined
  }

  async dispose(): Promise<void> {
    await this.queue
    const segmenter = await this.segmenter?.catch(() => undefined)
    segmenter?.dispose()
  }

  private compile(): Promise<Segmenter> {
    const { model, variables } = this.network
    return Segmenter.create(this.gpu, model, variables, this.data.prior, { posterior: true })
  }
}
