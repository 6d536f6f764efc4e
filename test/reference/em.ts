/**
 * Expectation maximisation of a Gaussian mixture with a spatial prior, an MRF by mean field, and a smooth bias field.
 *
 *   p(x_i) = sum_c p_i(c) sum_m w_cm prod_h N(x_ih / f_ih; mean_cmh, variance_cmh)
 *
 * over the channels h of a scan.
 *
 * Each iteration computes from the mixture and the field f of the one before:
 *
 *   E   p~_i(c) = p_i(c) exp(message_i(c)) / sum_c' ...         message from the posterior of the iteration before
 *       q_i(c, m) = p~_i(c) w_cm N(x_i / f_i; ...) / sum ...     log-likelihood = mean of the log of that sum
 *   M   w, mean and variance of each component: weighted moments of x / f
 *       log f: one Gauss-Newton step of weighted least squares towards what q expects of each voxel
 */
import { centredCosines, refit } from './bias-field.js'
import { mrfMessage } from './mrf.js'
import { fromArray, zeros, type NdArray } from './nd-array.js'

interface Component {
  weight: number
  /** Of each channel. */
  mean: readonly number[]
  variance: readonly number[]
}

interface Options {
  /** M: one number for all classes, or one for each */
  readonly components: number | readonly number[]
  readonly iterations: number
  /** Least variance as a share of the scan's. */
  readonly varianceFloor: number
  /** Weight of the MRF, its potentials [K, K], and the edge length of its neighbourhood. */
  readonly mrf?: { readonly beta: number; readonly table: NdArray; readonly k: number }
  /** Order of the bias field; 0 for none. */
  readonly bias: number
}

interface Result {
  /** Of classes, [K, D, H, W]. */
  readonly posterior: NdArray
  /** [K][M] */
  readonly mixture: readonly (readonly Component[])[]
  readonly logLikelihoods: readonly number[]
  /** [C, D, H, W] */
  readonly field: NdArray
}

/** scan [C, D, H, W]; prior [K, D, H, W], in which values below 1e-8 rule a class out. */
export function em(scan: NdArray, prior: NdArray, options: Options): Result {
  const K = prior.shape[0]!
  const { components } = options
  const voxels = prior.data.length / K
  const supported = normalised(prior)
  const channels = Array.from({ length: scan.shape[0]! }, (_, h) => {
    const data = scan.data.slice(h * voxels, (h + 1) * voxels)
    const { mean, variance: spread } = moments(data, () => 1)
    return {
      data,
      mean,
      spread,
      floor: options.varianceFloor * (spread > 0 ? spread : 1),
      basis: centredCosines({ shape: scan.shape.slice(1), data }, options.bias),
      logField: new Float64Array(voxels),
    }
  })

  let mixture = Array.from({ length: K }, (_, c) => {
    const M = typeof components === 'number' ? components : components[c]!
    const ofChannels = channels.map(({ data, mean, spread, floor }) =>
      spreadOut(
        moments(data, (i) => supported.data[c * voxels + i]!),
        { mean, variance: spread },
        M,
        floor,
      ),
    )
    return Array.from({ length: M }, (_, m): Component => {
      const own = ofChannels.map((spread) => spread[m]!)
      return {
        weight: 1 / M,
        mean: own.map(({ mean }) => mean),
        variance: own.map(({ variance }) => variance),
      }
    })
  })
  let before = supported
  let posterior = zeros(prior.shape)
  const logLikelihoods: number[] = []
  for (let iteration = 1; ; iteration++) {
    const corrected = channels.map(({ data, logField }) => data.map((x, i) => x / Math.exp(logField[i]!)))
    const field = options.mrf ? meanField(supported, before, options.mrf) : supported
    // E-step
    const q = mixture.map((components) => components.map(() => new Float64Array(voxels)))
    posterior = zeros(prior.shape)
    let logLikelihood = 0
    for (let i = 0; i < voxels; i++) {
      const logs = mixture.map((components, c) =>
        components.map((component) => {
          const p = field.data[c * voxels + i]!
          const x = corrected.map((channel) => channel[i]!)
          return p > 0 ? Math.log(p) + logDensity(x, component) : -Infinity
        }),
      )
      const largest = Math.max(...logs.flat())
      const total = logs.flat().reduce((sum, log) => sum + Math.exp(log - largest), 0)
      logLikelihood += largest + Math.log(total)
      logs.forEach((own, c) => {
        own.forEach((log, m) => {
          q[c]![m]![i] = Math.exp(log - largest) / total
          posterior.data[c * voxels + i]! += q[c]![m]![i]!
        })
      })
    }
    logLikelihoods.push(logLikelihood / voxels)
    if (iteration === options.iterations) break
    // M-step
    const expected = channels.map((_, h) => expectedIntensities(q, mixture, h))
    mixture = mixture.map((components, c) => {
      const own = q[c]!.map((weights) => corrected.map((channel) => moments(channel, (i) => weights[i]!)))
      const mass = own.reduce((sum, [first]) => sum + first!.mass, 0)
      if (mass < 1) return components
      return components.map((component, m) => {
        const share = own[m]![0]!.mass
        const weight = share / mass
        const mean = own[m]!.map((moments) => moments.mean)
        const variance = own[m]!.map((moments, h) => Math.max(moments.variance, channels[h]!.floor))
        return share < 1 ? { ...component, weight } : { weight, mean, variance }
      })
    })
    channels.forEach(({ logField, basis }, h) => {
      refit(logField, basis, corrected[h]!, expected[h]!)
    })
    before = posterior
  }
  const field = channels.flatMap(({ logField }) => Array.from(logField, Math.exp))
  return { posterior, mixture, logLikelihoods, field: fromArray(scan.shape, field) }
}

function logDensity(x: readonly number[], { weight, mean, variance }: Component): number {
  const logs = x.map(
    (value, h) => -0.5 * Math.log(2 * Math.PI * variance[h]!) - (value - mean[h]!) ** 2 / (2 * variance[h]!),
  )
  return Math.log(Math.max(weight, 1e-10)) + logs.reduce((sum, log) => sum + log, 0)
}

/** Classes below 1e-8 are ruled out; the others sum to 1. */
function normalised(prior: NdArray): NdArray {
  const K = prior.shape[0]!
  const voxels = prior.data.length / K
  const result = zeros(prior.shape)
  for (let i = 0; i < voxels; i++) {
    let sum = 0
    for (let c = 0; c < K; c++) if (prior.data[c * voxels + i]! >= 1e-8) sum += prior.data[c * voxels + i]!
    for (let c = 0; c < K; c++) {
      const p = prior.data[c * voxels + i]!
      result.data[c * voxels + i] = p >= 1e-8 ? p / sum : 0
    }
  }
  return result
}

function average(values: Float64Array, weightOf: (i: number) => number): number {
  let [sum, mass] = [0, 0]
  values.forEach((value, i) => {
    sum += weightOf(i) * value
    mass += weightOf(i)
  })
  return sum / mass
}

interface WeightedMoments {
  readonly mass: number
  readonly mean: number
  readonly variance: number
}

function moments(values: Float64Array, weightOf: (i: number) => number): WeightedMoments {
  const mean = average(values, weightOf)
  const variance = average(
    values.map((value) => (value - mean) ** 2),
    weightOf,
  )
  return { mass: values.reduce((sum, _, i) => sum + weightOf(i), 0), mean, variance }
}

/** M means and variances about the mean of a channel; a class of less than a voxel takes the moments of the whole scan. */
function spreadOut(
  own: WeightedMoments,
  whole: { mean: number; variance: number },
  M: number,
  floor: number,
): { mean: number; variance: number }[] {
  const { mean } = own.mass < 1 ? whole : own
  const variance = Math.max((own.mass < 1 ? whole : own).variance, floor)
  const offsets = Array.from({ length: M }, (_, m) => (2 * m + 1 - M) / M)
  const between = offsets.reduce((sum, offset) => sum + offset ** 2, 0) / M
  return offsets.map((offset) => ({
    mean: mean + offset * Math.sqrt(variance),
    variance: Math.max(floor, variance * (1 - between)),
  }))
}

/** p_i(c) exp(beta m_i(c)), normalised over c. */
function meanField(
  prior: NdArray,
  before: NdArray,
  { beta, table, k }: NonNullable<Options['mrf']>,
): NdArray {
  const message = mrfMessage({ ...before, shape: [1, ...before.shape] }, table, k)
  const K = prior.shape[0]!
  const voxels = prior.data.length / K
  const result = zeros(prior.shape)
  for (let i = 0; i < voxels; i++) {
    const offsets = Array.from({ length: K }, (_, c) => c * voxels + i)
    const allowed = offsets.filter((at) => prior.data[at]! > 0)
    const largest = Math.max(...allowed.map((at) => beta * message.data[at]!))
    const weigh = (at: number): number => prior.data[at]! * Math.exp(beta * message.data[at]! - largest)
    const total = allowed.reduce((sum, at) => sum + weigh(at), 0)
    for (const at of allowed) result.data[at] = weigh(at) / total
  }
  return result
}

/** What the mixture expects of each voxel of channel h, and how sure it is: sum q mean / variance over sum q / variance, and that. */
function expectedIntensities(
  q: readonly (readonly Float64Array[])[],
  mixture: readonly (readonly Component[])[],
  h: number,
): { mean: Float64Array; precision: Float64Array } {
  const precision = new Float64Array(q[0]![0]!.length)
  const mean = new Float64Array(precision.length)
  mixture.forEach((components, c) => {
    components.forEach((component, m) => {
      q[c]![m]!.forEach((weight, i) => {
        precision[i]! += weight / component.variance[h]!
        mean[i]! += (weight * component.mean[h]!) / component.variance[h]!
      })
    })
  })
  return { mean: mean.map((sum, i) => sum / precision[i]!), precision }
}
