import type { Gpu } from '../../gpu/gpu.js'
import { ExpectationMaximisation } from '../mixture/em.js'
import type { EmOptions } from '../mixture/em-settings.js'
import type { Prior } from '../prior/prior.js'
import { sampledShape } from '../separable-filter.js'
import type { EmSegmentation } from './assessment.js'
import { everyNth } from './sampling.js'

/** About this many voxels suffice to fit a few Gaussians, in seconds. */
const sampledVoxels = 125_000

/** What may be chosen. */
export type SampledEmOptions = Pick<EmOptions, 'memoryLimit' | 'channels'>

/** EM of every n-th voxel: what a segmentation is compared with, in a fraction of the time and memory of all voxels. */
export class SampledEm {
  private constructor(
    private readonly method: ExpectationMaximisation,
    private readonly prior: Prior,
    /** Every n-th voxel along each axis is segmented; this is n. */
    readonly every: number,
  ) {}

  /** @throws UserError if there is not enough memory */
  static async create(gpu: Gpu, prior: Prior, options: SampledEmOptions = {}): Promise<SampledEm> {
    const { data, classes, shape } = prior
    const every = Math.max(1, Math.ceil(Math.cbrt(data.length / classes / sampledVoxels)))
    const sampled = { data: everyNth(data, shape, every), classes, shape: sampledShape(shape, every) }
    return new SampledEm(await ExpectationMaximisation.create(gpu, sampled, options), prior, every)
  }

  /**
   * Segments a scan.
   *
   * @param scan intensities in any unit, [C, D, H, W] of the prior's shape
   */
  async run(scan: Float32Array): Promise<EmSegmentation> {
    const { classes } = await this.method.run(everyNth(scan, this.prior.shape, this.every))
    return { classes, every: this.every }
  }

  /** Releases its device memory. */
  dispose(): void {
    this.method.dispose()
  }
}
