import { input, volumeShape, type Value } from '../graph/value.js'
import { add, multiply, softmax, square, supportMask } from '../ops/index.js'
import type { TrainingScan } from './batches.js'
import { naturalParameters, type GaussianMixture } from './gaussian-mixture.js'
import { ownersOf, spreadToMembers, sumMembers } from './membership.js'
import { logPrior } from './model.js'

/** What the Gaussian mixture that was fitted to a scan says of it. */
export interface MixtureTarget {
  /** Posterior of the channels, [N, K, D, H, W]. */
  readonly posterior: Value
  /** Inputs: the factors of x^2, x and 1 in the log-likelihood of each of M components, [N, M, 1, 1, 1] each. */
  readonly factors: readonly [quadratic: Value, linear: Value, constant: Value]
}

/**
 * The posterior of a Gaussian mixture under a prior, computed in the step that learns it: a mixture is a few numbers,
 * its posterior as large as the prior.
 *
 * @param scan [N, 1, D, H, W]
 * @param prior [N, K, D, H, W]
 * @param components Gaussians of each channel, [K]
 */
export function mixtureTarget(scan: Value, prior: Value, components: readonly number[]): MixtureTarget {
  const { batch } = volumeShape(prior)
  const channelOf = ownersOf(components)
  const shape = [batch, channelOf.length, 1, 1, 1]
  const factors = [
    input('quadratic factors', shape),
    input('linear factors', shape),
    input('constants', shape),
  ] as const
  const [quadratic, linear, offset] = factors
  const likelihood = add(add(multiply(square(scan), quadratic), multiply(scan, linear)), offset)
  const single = channelOf.length === components.length
  const spread = single ? prior : spreadToMembers(prior, channelOf)
  const posterior = softmax(supportMask(add(likelihood, logPrior(spread)), spread))
  return { posterior: single ? posterior : sumMembers(posterior, channelOf), factors }
}

/**
 * The number of Gaussians of each channel, the same for all scans, [K].
 *
 * @throws Error if a scan has no mixture, or one of other numbers
 */
export function componentsOf(scans: readonly TrainingScan[]): number[] {
  const counts = scans.map((scan) => mixtureOf(scan).map((components) => components.length))
  const differing = counts.findIndex((count) => count.join() !== counts[0]!.join())
  if (differing > 0)
    throw new Error(`${scans[differing]!.name}: its Gaussian mixture has other numbers of components`)
  return counts[0]!
}

/** The inputs of a step that learns from the mixtures of a batch. */
export function* mixtureInputs(
  { factors }: MixtureTarget,
  batch: readonly TrainingScan[],
): Generator<[Value, Float32Array]> {
  const contents = mixtureFactors(batch.map(mixtureOf))
  for (const [i, value] of factors.entries()) yield [value, contents[i]!]
}

function mixtureOf({ name, mixture }: TrainingScan): GaussianMixture {
  if (!mixture) throw new Error(`${name}: has no Gaussian mixture to learn from; fit one first`)
  return mixture
}

/**
 * What to write into the factors for the scans of a batch.
 *
 * @param mixtures Gaussians of each channel, [K][M] each
 */
export function mixtureFactors(
  mixtures: readonly GaussianMixture[],
): [Float32Array, Float32Array, Float32Array] {
  const all = mixtures.map((mixture) => ({ ...naturalParameters(mixture), row: 2 + mixture.length }))
  const column = (at: number) =>
    Float32Array.from(
      all.flatMap(({ weight, bias, row }) =>
        Array.from(bias, (_, component) => weight[component * row + at]!),
      ),
    )
  return [column(0), column(1), Float32Array.from(all.flatMap(({ bias }) => [...bias]))]
}
