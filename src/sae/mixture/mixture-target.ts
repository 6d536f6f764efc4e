import { input, volumeShape, type Value } from '../../graph/value.js'
import { crop, divide, mixturePosterior, type Box } from '../../ops/index.js'
import { stack, type TrainingScan } from '../training/batches.js'
import { naturalParameters, type FittedMixture, type GaussianMixture } from './gaussian-mixture.js'
import { leastProbability } from '../model.js'

/** The posterior of the Gaussian mixture that was fitted to a scan. */
export interface MixtureTarget {
  /** Posterior of the channels, [N, K, D, H, W]. */
  readonly posterior: Value
  /** An input: the factors of `mixturePosterior`. */
  readonly factors: Value
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
 * @param outliers the share of voxels that no Gaussian explains: for them the prior holds
 */
export function mixtureTarget(
  scan: Value,
  prior: Value,
  { components, biased }: MixtureForm,
  region?: Box,
  outliers = 0,
): MixtureTarget {
  const { batch, channels } = volumeShape(scan)
  const field = biased ? input('bias field', scan.shape) : undefined
  const corrected = field ? divide(scan, field) : scan
  const count = components.reduce((sum, n) => sum + n)
  const factors = input('factors of the mixture', [batch, 2 * channels + 1, count])
  const posterior = mixturePosterior(
    region ? crop(corrected, region) : corrected,
    prior,
    { factors, counts: components },
    { least: leastProbability, outliers },
  )
  return { posterior, factors, field }
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
  yield [factors, Float32Array.from(fits.flatMap(({ mixture }) => mixtureFactors(mixture)))]
  if (field) yield [field, stack(fits.map((fit) => fit.field!()))]
}

function fitOf({ name, fit }: TrainingScan): FittedMixture {
  if (!fit) throw new Error(`${name}: has no Gaussian mixture to learn from; fit one first`)
  return fit
}

/**
 * What to write into the factors for one scan, [2 C + 1, M].
 *
 * @param mixture Gaussians of each channel of the prior, [K][M]
 */
function mixtureFactors(mixture: GaussianMixture): number[] {
  const { weight, bias } = naturalParameters(mixture)
  const powers = 2 * mixture[0]![0]!.mean.length
  const row = powers + mixture.length
  const columns = Array.from({ length: powers }, (_, at) =>
    Array.from(bias, (_, component) => weight[component * row + at]!),
  )
  return [...columns.flat(), ...bias]
}
