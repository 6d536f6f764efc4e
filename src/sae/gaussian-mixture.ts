import type { FinerGrid } from './bias-field.js'
import type { Prior } from './prior.js'

/** One Gaussian of a class. */
export interface GaussianComponent {
  /** Share of the class that it explains; those of a class sum to 1. */
  readonly weight: number
  /** In units of the scan. */
  readonly mean: number
  /** In squared units of the scan. */
  readonly variance: number
}

/** The Gaussians of every class, [K][M], where M may differ between classes. */
export type GaussianMixture = readonly (readonly GaussianComponent[])[]

/** A Gaussian mixture as it was fitted to one scan. */
export interface FittedMixture {
  /** The Gaussians of each class, [K][M], in the scan's intensities. */
  readonly mixture: GaussianMixture
  /**
   * Computes the bias field that was fitted with it, [D, H, W]: the scan divided by this is the corrected scan, which
   * the mixture describes; on a finer grid if one is given. Undefined if there is none.
   */
  readonly field?: ((finer?: FinerGrid) => Float32Array) | undefined
}

/** Sums over voxels, weighted with the posterior q of one component or class. */
export interface Moments {
  /** sum q */
  readonly mass: number
  /** sum q x */
  readonly first: number
  /** sum q x^2 */
  readonly second: number
}

/** Moments of a scan [D, H, W] in each class under a prior. */
export function momentsUnder(scan: Float32Array, { data, classes }: Prior): Moments[] {
  const voxels = scan.length
  return Array.from({ length: classes }, (_, c) => {
    let [mass, first, second] = [0, 0, 0]
    for (let i = 0; i < voxels; i++) {
      const [p, x] = [data[c * voxels + i]!, scan[i]!]
      mass += p
      first += p * x
      second += p * x * x
    }
    return { mass, first, second }
  })
}

/** Below this many voxels of mass there is nothing to estimate a Gaussian from. */
const leastMass = 1

/**
 * The first mixture: the class's mean and variance, spread over its M components of equal weight. Their means are
 * spread evenly around that of the class; their common variance is the rest of the class's variance.
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
      mean: mean + offset * Math.sqrt(variance),
      variance: Math.max(floor, variance * (1 - between)),
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

function gaussianOf({ mass, first, second }: Moments, floor: number): { mean: number; variance: number } {
  const mean = first / mass
  return { mean, variance: Math.max(floor, second / mass - mean ** 2) }
}

/** Weights are raised to at least this, so that their logarithm stays finite. */
const leastWeight = 1e-10

/**
 * The natural parameters of the components,
 *
 *   log p(c) w N(x; mean, variance) = quadratic x^2 + linear x + log p(c) + constant
 *
 * @returns a convolution of one voxel: `weight` [K*M, 2 + K], of x^2, x and the log p(c) of each class, and `bias` [K*M]
 */
export function naturalParameters(mixture: GaussianMixture): { weight: Float32Array; bias: Float32Array } {
  const components = mixture.flatMap((own, c) => own.map((component) => ({ ...component, c })))
  return {
    weight: Float32Array.from(
      components.flatMap(({ mean, variance, c }) => [
        -0.5 / variance,
        mean / variance,
        ...mixture.map((_, other) => Number(other === c)),
      ]),
    ),
    bias: Float32Array.from(
      components,
      ({ weight, mean, variance }) =>
        Math.log(Math.max(weight, leastWeight)) -
        0.5 * Math.log(2 * Math.PI * variance) -
        (0.5 * mean ** 2) / variance,
    ),
  }
}

/** One over the variance of each component, then mean over variance of each, [2, K*M]. */
export function precisionsOf(mixture: GaussianMixture): Float32Array {
  const components = mixture.flat()
  return Float32Array.from([
    ...components.map(({ variance }) => 1 / variance),
    ...components.map(({ mean, variance }) => mean / variance),
  ])
}
