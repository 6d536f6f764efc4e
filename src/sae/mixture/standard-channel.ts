import { BiasField } from './bias-field.js'
import type { FittedMixture } from './gaussian-mixture.js'
import type { SpatialShape } from '../shape.js'

/**
 * A channel of a scan divided by its bias field and standardised to mean 0 and variance 1, so that the device's single
 * precision suits scans of any scale.
 */
export class StandardChannel {
  /** [D, H, W] */
  data: Float32Array
  /** Of the channel before it was corrected and standardised. */
  readonly mean: number
  /** Likewise; 1 for a constant channel. */
  readonly deviation: number
  private readonly bias: BiasField | undefined
  private corrected: Float32Array

  /**
   * @param scan [D, H, W]
   * @param order of the bias field; 0 for none
   * @throws Error if the scan holds NaN or infinity
   */
  constructor(
    private readonly scan: Float32Array,
    shape: SpatialShape,
    order: number,
  ) {
    let [first, second] = [0, 0]
    for (const value of scan) first += value
    this.mean = first / scan.length
    for (const value of scan) second += (value - this.mean) ** 2
    const deviation = Math.sqrt(second / scan.length)
    if (!Number.isFinite(deviation)) throw new Error('the scan holds NaN or infinity')
    this.deviation = deviation > 0 ? deviation : 1
    this.bias = order > 0 ? new BiasField(scan, shape, order) : undefined
    this.corrected = scan
    this.data = this.standardised()
  }

  /** Computes the bias field, [D, H, W]; the scan divided by it is corrected. Undefined if there is none. */
  get field(): FittedMixture['field'] {
    const { bias } = this
    return bias && ((finer) => bias.values(finer))
  }

  /**
   * Refits the bias field and corrects the scan by it.
   *
   * @param precisions sum of q / variance over components, [D, H, W], standardised
   * @param means sum of q mean / variance, likewise
   */
  correct(precisions: Float32Array, means: Float32Array): void {
    if (!this.bias) return
    const precision = (voxel: number): number => precisions[voxel]!
    const mean = (voxel: number): number => means[voxel]! / precisions[voxel]!
    this.bias.refit(this.corrected, (voxel) => this.mean + this.deviation * mean(voxel), precision)
    const field = this.bias.values()
    this.corrected = this.scan.map((value, i) => value / field[i]!)
    this.data = this.standardised()
  }

  private standardised(): Float32Array {
    return this.corrected.map((value) => (value - this.mean) / this.deviation)
  }
}
