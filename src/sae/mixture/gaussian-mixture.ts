import type { FinerGrid } from './bias-field.js'
import type { Prior } from '../prior/prior.js'

/** One Gaussian of a class: given the component, the C channels of a scan are independent. */
export interface GaussianComponent {
  /** Share of the class that it explains; those of a class sum to 1. */
  readonly weight: number
  /** Of each channel, in its units, [C]. */
  readonly mean: readonly number[]
  /** Of each channel, in its squared units, [C]. */
  readonly variance: readonly number[]
}

/** The Gaussians of every class, [K][M], where M may differ between classes. */
export type GaussianMixture = readonly (readonly GaussianComponent[])[]

/** A Gaussian mixture as it was fitted to one scan. */
export interface FittedMixture {
  /** The Gaussians of each class, [K][M], in the scan's intensities. */
  readonly mixture: GaussianMixture
  /**
   * Computes the bias fields that were fitted with it, one for each channel, [C, D, H, W]: the scan divided by these is the
   * corrected scan, which the mixture describes; on a finer grid if one is given. Undefined if there are none.
   */
  readonly field?: ((finer?: FinerGrid) => Float32Array) | undefined
}

/** Sums over voxels, weighted with the posterior q of one component or class. */
export interface Moments {
  /** sum q */
  readonly mass: number
  /** sum q x of each channel, [C] */
  readonly first: readonly number[]
  /** sum q x^2 of each channel, [C] */
  readonly second: readonly number[]
}

/** Moments of a scan [C, D, H, W] in each class under a prior. */
export function momentsUnder(scan: Float32Array, { data, classes }: Prior): Moments[] {
  const voxels = data.length / classes
  const channels = scan.length / voxels
  return Array.from({ length: classes }, (_, c) => {
    let mass = 0
    const first = Array.from({ length: channels }, () => 0)
    const second = first.slice()
    for (let i = 0; i < voxels; i++) {
      const p = data[c * voxels + i]!
      mass += p
      for (let channel = 0; channel < channels; channel++) {
        const x = scan[channel * voxels + i]!
        first[channel]! += p * x
        second[channel]! += p * x * x
      }
    }
    return { mass, first, second }
  })
}

/** Below this many voxels of mass there is nothing to estimate a Gaussian from. */
const leastMass = 1

/**
 * The first mixture: the class's mean and variance, spread over its M components of equal weight. Their means are
 * spread evenly around that of the class, in all channels upwards; their common variance is the rest of the class's
 * variance.
 *
 * @param classes moments of each class under the prior; a class without mass gets those of the whole scan
 * @param whole moments of the whole scan
 * @param components M of each class, [K]
 * @param floor least variance
 */
export function initialMixture(
  classes: readonly Moments[],
  whole: Moments,
  components: readonly number[],
  floor: number,
): GaussianMixture {
  return classes.map((moments, c) => {
    const M = components[c]!
    const { mean, variance } = gaussianOf(moments.mass < leastMass ? whole : moments, floor)
    const offsets = Array.from({ length: M }, (_, m) => (2 * m + 1 - M) / M)
    const between = offsets.reduce((sum, offset) => sum + offset ** 2, 0) / M
    return offsets.map((offset) => ({
      weight: 1 / M,
      mean: mean.map((value, channel) => value + offset * Math.sqrt(variance[channel]!)),
      variance: variance.map((value) => Math.max(floor, value * (1 - between))),
    }))
  })
}

/**
 * The M-step. A component that has lost its mass keeps its mean and variance; a class that has lost its mass keeps its
 * weights too.
 *
 * @param moments of each component, [K][M]
 * @param floor least variance
 */
export function reestimated(
  mixture: GaussianMixture,
  moments: readonly (readonly Moments[])[],
  floor: number,
): GaussianMixture {
  return mixture.map((components, c) => {
    const own = moments[c]!
    const mass = own.reduce((sum, { mass }) => sum + mass, 0)
    if (mass < leastMass) return components
    return components.map((component, m) => {
      const weight = Math.max(own[m]!.mass, 0) / mass
      return own[m]!.mass < leastMass ? { ...component, weight } : { weight, ...gaussianOf(own[m]!, floor) }
    })
  })
}

function gaussianOf(
  { mass, first, second }: Moments,
  floor: number,
): Pick<GaussianComponent, 'mean' | 'variance'> {
  const mean = first.map((sum) => sum / mass)
  return { mean, variance: second.map((sum, c) => Math.max(floor, sum / mass - mean[c]! ** 2)) }
}

/** Weights are raised to at least this, so that their logarithm stays finite. */
const leastWeight = 1e-10

/**
 * The natural parameters of the components,
 *
 *   log p(c) w N(x; mean, variance) = quadratic . x^2 + linear . x + log p(c) + constant
 *
 * @returns a convolution of one voxel: `weight` [K*M, 2 C + K], of the C channels of x^2, those of x and the log p(c) of
 *   each class, and `bias` [K*M]
 */
export function naturalParameters(mixture: GaussianMixture): { weight: Float32Array; bias: Float32Array } {
  const components = mixture.flatMap((own, c) => own.map((component) => ({ ...component, c })))
  return {
    weight: Float32Array.from(
      components.flatMap(({ mean, variance, c }) => [
        ...variance.map((value) => -0.5 / value),
        ...variance.map((value, channel) => mean[channel]! / value),
        ...mixture.map((_, other) => Number(other === c)),
      ]),
    ),
    bias: Float32Array.from(components, ({ weight, mean, variance }) =>
      variance.reduce(
        (sum, value, channel) =>
          sum - 0.5 * Math.log(2 * Math.PI * value) - (0.5 * mean[channel]! ** 2) / value,
        Math.log(Math.max(weight, leastWeight)),
      ),
    ),
  }
}

/** One over the variance of each component, a row for each channel; then mean over variance likewise, [2 C, K*M]. */
export function precisionsOf(mixture: GaussianMixture): Float32Array {
  const components = mixture.flat()
  const channels = components[0]!.mean.map((_, channel) => channel)
  return Float32Array.from([
    ...channels.flatMap((at) => components.map(({ variance }) => 1 / variance[at]!)),
    ...channels.flatMap((at) => components.map(({ mean, variance }) => mean[at]! / variance[at]!)),
  ])
}
