import { input, type Value } from '../../graph/value.js'
import {
  add,
  argmax,
  concat,
  logSoftmax,
  logSumExp,
  mrfMessage,
  softmax,
  square,
  sum,
} from '../../ops/index.js'
import { backwardWeight } from '../../ops/conv3d/backward-weight.js'
import { sameConv3d } from '../../ops/conv3d/same.js'
import type { GaussianMixture, Moments } from './gaussian-mixture.js'
import { ownersOf, sumMembers } from '../prior/membership.js'
import type { SpatialShape } from '../shape.js'

/** What the graph of one iteration depends on. */
interface EmGraphOptions {
  /** C of the scan. */
  readonly scanChannels: number
  /** K */
  readonly classes: number
  /** Gaussians of each class, [K]; channels are the components of class 0, then those of class 1 and so on. */
  readonly components: readonly number[]
  readonly shape: SpatialShape
  /** Edge length k of the MRF's neighbourhood; undefined for no MRF. */
  readonly neighbourhood: number | undefined
  /** Whether to compute `expected`, from which the bias field is fitted. */
  readonly bias: boolean
}

/** The graph of one iteration: the E-step, and the sums for the M-step. */
export interface EmGraph {
  /** An input: the scan, corrected and standardised, [1, C, D, H, W]. */
  readonly scan: Value
  /** An input: logarithm of the prior, -1e12 if a class is ruled out, [1, K, D, H, W]. */
  readonly logPrior: Value
  /** Inputs: logits are linear in (x^2, x, log p), [M, 2 C + K] and [M] for M Gaussians in all (see `naturalParameters`). */
  readonly weight: Value
  readonly bias: Value
  /** With an MRF, inputs: beta times its potentials, [K, K], and the posterior of the iteration before. */
  readonly mrf: { readonly table: Value; readonly before: Value } | undefined
  /** Posterior of the classes, [1, K, D, H, W]. */
  readonly posterior: Value
  /** Its largest class, u32 [1, 1, D, H, W]. */
  readonly labels: Value
  /** Log-likelihood of the standardised scan, summed over voxels, [1]. */
  readonly logLikelihood: Value
  /** Sums over voxels of q x^2 and q x, [M, 2 C], and of q, [M]. */
  readonly moments: readonly [Value, Value]
  /**
   * With `bias`: sum_cm q / variance and sum_cm q mean / variance of each channel, [1, 2 C, D, H, W], from the input
   * `precisions` [2 C, M] (see `precisionsOf`).
   */
  readonly expected: { readonly precisions: Value; readonly sums: Value } | undefined
}

/** Stands for the logarithm of a probability of 0: not even the largest likelihood can outweigh it. */
export const ruledOut = -1e12

/**
 * Builds the graph. Log-likelihoods of Gaussians with a variance for each channel are linear in (x^2, x, 1). So the logits of
 * all components are one convolution of one voxel, and the sums of the M-step are the gradient of its weights.
 *
 *   logits = log w_cm N(x; mean_cm, variance_cm) + log p(c),   q = softmax(logits)
 *
 * With an MRF, p(c) is p(c) exp(beta message(c)), normalised: the mean-field approximation, whose messages come from the
 * posterior of the iteration before.
 */
export function emGraph({
  scanChannels,
  classes,
  components,
  shape,
  neighbourhood,
  bias: biased,
}: EmGraphOptions): EmGraph {
  const channels = components.reduce((sum, count) => sum + count, 0)
  const scan = input('scan', [1, scanChannels, ...shape])
  const logPrior = input('log prior', [1, classes, ...shape])
  const weight = input('natural parameters', [channels, 2 * scanChannels + classes])
  const bias = input('log normalisers', [channels])
  const mrf =
    neighbourhood === undefined
      ? undefined
      : { table: input('mrf table', [classes, classes]), before: input('before', [1, classes, ...shape]) }

  const field = mrf ? logSoftmax(add(logPrior, mrfMessage(mrf.before, mrf.table, neighbourhood!))) : logPrior
  const powers = [square(scan), scan]
  const logits = sameConv3d(concat([...powers, field]), weight, bias)
  const q = softmax(logits)
  const posterior = channels === classes ? q : sumMembers(q, ownersOf(components))
  const { weight: products, bias: masses } = backwardWeight({
    input: concat(powers),
    gradOutput: q,
    shape: [channels, 2 * scanChannels],
    bias: true,
  })
  const precisions = input('precisions', [2 * scanChannels, channels])
  return {
    scan,
    logPrior,
    weight,
    bias,
    mrf,
    posterior,
    labels: argmax(posterior),
    logLikelihood: sum(logSumExp(logits)),
    moments: [products, masses!],
    expected: biased ? { precisions, sums: sameConv3d(q, precisions) } : undefined,
  }
}

/** The moments of each component, in the form of the mixture, from the values that the graph reports. */
export function momentsOf(
  products: Float32Array,
  masses: Float32Array,
  mixture: GaussianMixture,
): Moments[][] {
  let component = 0
  return mixture.map((components) =>
    components.map(({ mean: { length: channels } }) => {
      const at = component++
      const row = Array.from(products.subarray(2 * channels * at, 2 * channels * (at + 1)))
      return { mass: masses[at]!, second: row.slice(0, channels), first: row.slice(channels) }
    }),
  )
}
