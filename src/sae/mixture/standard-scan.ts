import { joinChannels, splitChannels } from '../channels.js'
import type { FittedMixture, GaussianMixture } from './gaussian-mixture.js'
import type { SpatialShape } from '../shape.js'
import { StandardChannel } from './standard-channel.js'

/** A scan whose channels are each divided by a bias field and standardised (`StandardChannel`). */
export class StandardScan {
  readonly channels: readonly StandardChannel[]

  /**
   * @param scan [C, D, H, W]
   * @param order of the bias fields; 0 for none
   * @throws Error if the scan holds NaN or infinity
   */
  constructor(scan: Float32Array, shape: SpatialShape, order: number) {
    this.channels = splitChannels(scan, shape).map((data) => new StandardChannel(data, shape, order))
  }

  /** [C, D, H, W] */
  get data(): Float32Array {
    return joinChannels(this.channels.map(({ data }) => data))
  }

  /** Computes the bias fields, [C, D, H, W]; the scan divided by them is corrected. Undefined if there are none. */
  get field(): FittedMixture['field'] {
    const fields = this.channels.flatMap(({ field }) => field ?? [])
    if (fields.length === 0) return undefined
    return (finer) => joinChannels(fields.map((field) => field(finer)))
  }

  /** The log-likelihood of the standardised intensities of a voxel minus that of the scan's. */
  get logUnit(): number {
    return this.channels.reduce((sum, { deviation }) => sum + Math.log(deviation), 0)
  }

  /**
   * Refits the bias fields and corrects the scan by them.
   *
   * @param expected of each channel the sum of q / variance over components, then of each that of q mean / variance,
   *   [2 C, D, H, W], standardised
   */
  correct(expected: Float32Array): void {
    const { channels } = this
    const voxels = expected.length / channels.length / 2
    const part = (at: number): Float32Array => expected.subarray(at * voxels, (at + 1) * voxels)
    channels.forEach((channel, c) => {
      channel.correct(part(c), part(channels.length + c))
    })
  }

  /** Converts a mixture of standardised intensities to the scan's intensities. */
  inUnits(mixture: GaussianMixture): GaussianMixture {
    const { channels } = this
    return mixture.map((components) =>
      components.map(({ weight, mean, variance }) => ({
        weight,
        mean: channels.map((channel, c) => channel.mean + channel.deviation * mean[c]!),
        variance: channels.map(({ deviation }, c) => deviation ** 2 * variance[c]!),
      })),
    )
  }

  /** The reverse. @param floor least variance of a standardised component */
  standardise(mixture: GaussianMixture, floor: number): GaussianMixture {
    const { channels } = this
    return mixture.map((components) =>
      components.map(({ weight, mean, variance }) => ({
        weight,
        mean: channels.map((channel, c) => (mean[c]! - channel.mean) / channel.deviation),
        variance: channels.map(({ deviation }, c) => Math.max(floor, variance[c]! / deviation ** 2)),
      })),
    )
  }
}
