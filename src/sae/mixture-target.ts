import { input, volumeShape, type Value } from '../graph/value.js'
import { add, multiply, softmax, square, supportMask } from '../ops/index.js'
import { naturalParameters, type GaussianMixture } from './gaussian-mixture.js'
import { logPrior } from './model.js'

/** What the encoder is to answer a scan with, from the Gaussian mixture that was fitted to it. */
export interface MixtureTarget {
  /** Posterior of the channels, [N, K, D, H, W]. */
  readonly posterior: Value
  /** Inputs: the factors of x^2, x and 1 in the log-likelihood of each channel, [N, K, 1, 1, 1] each. */
  readonly factors: readonly [quadratic: Value, linear: Value, constant: Value]
}

/**
 * The posterior of a Gaussian mixture under a prior, computed in the step that learns it: a mixture is a few numbers,
 * its posterior as large as the prior.
 *
 * @param scan [N, 1, D, H, W]
 * @param prior [N, K, D, H, W], with one Gaussian for each channel
 */
export function mixtureTarget(scan: Value, prior: Value): MixtureTarget {
  const { batch, channels } = volumeShape(prior)
  const shape = [batch, channels, 1, 1, 1]
  const factors = [
    input('quadratic factors', shape),
    input('linear factors', shape),
    input('constants', shape),
  ] as const
  const [quadratic, linear, offset] = factors
  const likelihood = add(add(multiply(square(scan), quadratic), multiply(scan, linear)), offset)
  return { posterior: softmax(supportMask(add(likelihood, logPrior(prior)), prior)), factors }
}

/**
 * What to write into the factors for the scans of a batch.
 *
 * @param mixtures one Gaussian for each channel, [K][1] each
 */
export function mixtureFactors(
  mixtures: readonly GaussianMixture[],
): [Float32Array, Float32Array, Float32Array] {
  const all = mixtures.map((mixture) => ({ ...naturalParameters(mixture), row: 2 + mixture.length }))
  const column = (at: number) =>
    Float32Array.from(
      all.flatMap(({ weight, bias, row }) => Array.from(bias, (_, channel) => weight[channel * row + at]!)),
    )
  return [column(0), column(1), Float32Array.from(all.flatMap(({ bias }) => [...bias]))]
}
