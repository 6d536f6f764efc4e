import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { planewise } from './shared/planewise.js'
import { shown } from './shared/requirements.js'
import { startsOf } from './shared/starts.js'
import { supportThreshold } from './support-mask.js'

/** The Gaussian mixture of `mixturePosterior`. */
export interface MixtureComponents {
  /**
   * What the log-likelihood of each of M components is made of, flat [N, 2 C + 1, M]: its factors of the squares of the C
   * contrasts, of the contrasts themselves, and of 1.
   */
  readonly factors: Value
  /** How many components each channel of the prior owns, in order; M in all. */
  readonly counts: readonly number[]
}

/** How `mixturePosterior` reads the prior. */
export interface MixturePosteriorOptions {
  /** Added to probabilities before their logarithm is taken. */
  readonly least: number
  /** The share of voxels that no component explains: there, the prior holds. Default 0. */
  readonly outliers?: number
}

/**
 * The posterior of each channel of a prior, given a Gaussian mixture of the intensities: the softmax over components of the
 * log-likelihood plus log(prior + least), summed over those of the channel. Channels that the prior rules out (see
 * `supportMask`) get none. No gradient.
 *
 * @param scan [N, C, D, H, W]
 * @param prior probabilities, [N, K, D, H, W]
 * @returns [N, K, D, H, W]
 * @throws Error if shapes do not fit each other
 */
export function mixturePosterior(
  scan: Value,
  prior: Value,
  { factors, counts }: MixtureComponents,
  { least, outliers = 0 }: MixturePosteriorOptions,
): Value {
  const { channels: contrasts, ...extents } = volumeShape(scan, 'mixture_posterior')
  const { channels, batch, depth, planes } = volumeShape(prior, 'mixture_posterior')
  const components = counts.reduce((a, b) => a + b, 0)
  const fits =
    counts.length === channels &&
    factors.size === batch * (2 * contrasts + 1) * components &&
    (['batch', 'depth', 'height', 'width'] as const).every((n) => extents[n] === volumeShape(prior)[n])
  if (!fits)
    throw new Error(
      `mixture_posterior: ${shown(scan)}, ${shown(prior)}, ${shown(factors)} and components of ${counts.length} channels do not fit each other`,
    )
  const flats = { factors, starts: startsOf('starts of components', counts) }
  return op({
    name: 'mixture_posterior',
    inputs: { scan, prior, ...flats },
    output: { shape: prior.shape, wide: false },
    planes,
    emit: (output, device, slab) =>
      planewise(
        {
          shader: shaders.mixturePosteriorForward,
          flags: { LOG_PRIOR: true },
          consts: { CONTRASTS: contrasts },
          params: { channels, components, depth, threshold: supportThreshold, least, outliers },
          volumes: { prior, scan, output },
          flats,
          vectors: true,
        },
        device,
        slab,
      ),
  })
}
