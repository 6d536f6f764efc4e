import { input, volumeShape, type Value } from '../graph/value.js'
import {
  add,
  addLogPrior,
  crop,
  divide,
  multiply,
  softmax,
  square,
  supportMask,
  type Box,
} from '../ops/index.js'
import { stack, type TrainingScan } from './batches.js'
import { naturalParameters, type FittedMixture, type GaussianMixture } from './gaussian-mixture.js'
import { channelValues } from './channels.js'
import { ownersOf, spreadToMembers, sumMembers } from './membership.js'
import { leastProbability } from './model.js'

/** The posterior of the Gaussian mixture that was fitted to a scan. */
export interface MixtureTarget {
  /** Posterior of the channels, [N, K, D, H, W]. */
  readonly posterior: Value
  /**
   * Inputs: the factors of x^2 of each channel, of x of each channel, and of 1 in the log-likelihood of each of M components,
   * 2 C + 1 values [N, M, 1, 1, 1].
   */
  readonly factors: readonly Value[]
  /** An input: the bias fields, [N, C, D, H, W] of the whole scan; undefined if there are none. */
  readonly field: Value | undefined
}

/** What the graph of a mixture depends on. */
export interface MixtureForm {
  /** Gaussians of each channel, [K]. */
  readonly components: readonly number[]
  /** Whether bias fields were fitted too. */
  readonly biased: boolean
}

/**
 * The posterior of a Gaussian mixture under a prior, computed in the step that learns it: a mixture is a few numbers,
 * while its posterior is as large as the prior.
 *
 * @param scan [N, C, D, H, W]
 * @param prior [N, K, ...] of the region
 * @param region where to compute the posterior. Default: the whole scan
 */
export function mixtureTarget(
  scan: Value,
  prior: Value,
  { components, biased }: MixtureForm,
  region?: Box,
): MixtureTarget {
  const { batch } = volumeShape(prior)
  const channelOf = ownersOf(components)
  const shape = [batch, channelOf.length, 1, 1, 1]
  const field = biased ? input('bias field', scan.shape) : undefined
  const corrected = field ? divide(scan, field) : scan
  const x = region ? crop(corrected, region) : corrected
  const channels = channelValues(x)
  const quadratic = channels.map(() => input('quadratic factors', shape))
  const linear = channels.map(() => input('linear factors', shape))
  const offset = input('constants', shape)
  const terms = channels.map((x, c) => add(multiply(square(x), quadratic[c]!), multiply(x, linear[c]!)))
  const likelihood = add(
    terms.reduce((sum, term) => add(sum, term)),
    offset,
  )
  const single = channelOf.length === components.length
  const spread = single ? prior : spreadToMembers(prior, channelOf)
  const posterior = softmax(supportMask(addLogPrior(likelihood, spread, leastProbability), spread))
  const factors = [...quadratic, ...linear, offset]
  return { posterior: single ? posterior : sumMembers(posterior, channelOf), factors, field }
}

/**
 * The form that the mixtures of all scans have.
 *
 * @throws Error if a scan has no mixture, or one with a different form
 */
export function mixtureFormOf(scans: readonly TrainingScan[]): MixtureForm {
  const forms = scans.map((scan) => {
    const { mixture, field } = fitOf(scan)
    return { components: mixture.map(({ length }) => length), biased: field !== undefined }
  })
  const differing = forms.findIndex((form) => JSON.stringify(form) !== JSON.stringify(forms[0]))
  if (differing > 0) throw new Error(`${scans[differing]!.name}: its Gaussian mixture has a different form`)
  return forms[0]!
}

/** The inputs of a step that learns from the mixtures of a batch. */
export function* mixtureInputs(
  { factors, field }: MixtureTarget,
  batch: readonly TrainingScan[],
): Generator<[Value, Float32Array]> {
  const fits = batch.map(fitOf)
  const contents = mixtureFactors(fits.map(({ mixture }) => mixture))
  for (const [i, value] of factors.entries()) yield [value, contents[i]!]
  if (field) yield [field, stack(fits.map((fit) => fit.field!()))]
}

function fitOf({ name, fit }: TrainingScan): FittedMixture {
  if (!fit) throw new Error(`${name}: has no Gaussian mixture to learn from; fit one first`)
  return fit
}

/**
 * What to write into the factors for the scans of a batch.
 *
 * @param mixtures Gaussians of each channel of the prior, [K][M] each
 */
function mixtureFactors(mixtures: readonly GaussianMixture[]): Float32Array[] {
  const powers = 2 * mixtures[0]![0]![0]!.mean.length
  const all = mixtures.map((mixture) => ({ ...naturalParameters(mixture), row: powers + mixture.length }))
  const column = (at: number) =>
    Float32Array.from(
      all.flatMap(({ weight, bias, row }) =>
        Array.from(bias, (_, component) => weight[component * row + at]!),
      ),
    )
  const columns = Array.from({ length: powers }, (_, at) => column(at))
  return [...columns, Float32Array.from(all.flatMap(({ bias }) => [...bias]))]
}
