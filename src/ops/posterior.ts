import { defineNode, scratch } from '../graph/node.js'
import { op } from '../graph/op.js'
import { constant, requireSameShape, volumeShape, type Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { argmaxOf } from './argmax.js'
import { gumbelSoftmax } from './gumbel-softmax.js'
import { klDivergence } from './kl-divergence.js'
import { uniformNoise } from './noise.js'
import { planewise, workgroupsPerPlane } from './shared/planewise.js'
import { sumRows } from './shared/reduce.js'
import { logSoftmax, softmax } from './softmax.js'
import { supportMask, supportThreshold } from './support-mask.js'

/** What follows from the logits of a categorical at every voxel. */
export interface Posterior {
  /** Class probabilities, [N, C, D, H, W]. */
  readonly probabilities: Value
  /**
   * The sampled class, u32 [N, 1, D, H, W]. Its gradient is that of its one-hot form, [N, C, D, H, W], and is passed on
   * as that of the soft sample (straight-through).
   */
  readonly sample: Value
  /** Kullback-Leibler divergence from the prior, a scalar summed over voxels. */
  readonly divergence: Value
}

/** How `posterior` samples. */
export interface PosteriorOptions {
  /** Temperature tau > 0 of the soft sample that the gradient is taken of. Default 2/3. */
  readonly temperature?: number
}

/**
 * Posterior, sample and divergence in one pass over the channels. The same as
 *
 *   l = supportMask(logits, prior);  probabilities = softmax(l);  sample = argmax(gumbelSoftmax(l, noise));
 *   divergence = klDivergence(logSoftmax(l), prior)
 *
 * but logits and prior are read once, and nothing but the results is stored. With many channels it uses that
 * composition: the single pass keeps all channels in registers and would take too long to compile.
 *
 * @param logits [N, C, D, H, W]
 * @param prior probabilities of the same shape
 * @param randomness uniform noise of the same shape, or a counter of two u32 (seed, step) to compute it from (see
 * `uniformNoise`); the noise of a counter is never stored
 */
export function posterior(
  logits: Value,
  prior: Value,
  randomness: Value,
  options: PosteriorOptions = {},
): Posterior {
  const { temperature: tau = 2 / 3 } = options
  const { channels, planes } = volumeShape(logits, 'posterior')
  requireSameShape('posterior', logits, prior)
  const isCounter = randomness.dtype === 'u32' && randomness.size === 2
  if (!isCounter) requireSameShape('posterior', logits, randomness)
  if (!(tau > 0)) throw new Error(`posterior: the temperature must be positive, not ${tau}`)
  if (channels > mostChannels) {
    return composed(logits, prior, isCounter ? uniformNoise(logits.shape, randomness) : randomness, tau)
  }

  const groups = workgroupsPerPlane(shaders.posteriorForward, logits)
  const partials = scratch('divergence partials', [planes * groups])
  const consts = { CHANNELS: channels, GROUPS: Math.ceil(channels / 4) }
  const noise = isCounter ? {} : { noise: randomness }
  const flats = isCounter ? { counter: randomness } : {}
  const shape = logits.shape
  const node = defineNode({
    name: 'posterior',
    inputs: { logits, prior, randomness },
    outputs: [
      { name: 'posterior', shape, wide: false },
      { name: 'sample', shape: [shape[0]!, 1, ...shape.slice(2)], dtype: 'u32' },
      { name: 'divergence', shape: [1] },
    ],
    scratch: [partials],
    planes,
    emit: ([probabilities, sample], device, slab) =>
      planewise(
        {
          shader: shaders.posteriorForward,
          flags: { NOISE: !isCounter },
          consts,
          params: { groups, threshold: supportThreshold },
          volumes: { logits, prior, ...noise, posterior: probabilities, sample },
          flats: { ...flats, partials },
        },
        device,
        slab,
      ),
    finish: ([, , divergence]) => [sumRows(partials, divergence)],
    backward: ([gradProbabilities, gradSample, gradDivergence = zero], [probabilities]) => {
      const scaled = gradProbabilities?.node?.scaled
      const unscaled = scaled?.value ?? gradProbabilities
      const inputs = { probabilities, prior, unscaled, scale: scaled?.by, gradSample, gradDivergence }
      return {
        logits: op({
          name: 'posterior backward',
          inputs: { ...inputs, randomness: gradSample && randomness },
          output: { shape },
          planes,
          emit: (gradLogits, device, slab) =>
            planewise(
              {
                shader: shaders.posteriorBackward,
                flags: {
                  NOISE: !isCounter,
                  GRAD_PROBABILITIES: unscaled !== undefined,
                  SCALED: scaled !== undefined,
                  GRAD_SAMPLE: gradSample !== undefined,
                  TWO_THIRDS: tau === 2 / 3,
                },
                consts,
                params: { threshold: supportThreshold, ...(gradSample ? { tau } : {}) },
                volumes: {
                  posterior: probabilities,
                  prior,
                  ...(unscaled ? { grad_probabilities: unscaled } : {}),
                  ...(gradSample ? { ...noise, grad_sample: gradSample } : {}),
                  grad_logits: gradLogits,
                },
                flats: {
                  ...(gradSample ? flats : {}),
                  ...(scaled ? { scale_probabilities: scaled.by } : {}),
                  grad_divergence: gradDivergence,
                },
              },
              device,
              slab,
            ),
        }),
      }
    },
  })
  const [probabilities, sample, divergence] = node.outputs
  return { probabilities, sample, divergence }
}

function composed(logits: Value, prior: Value, noise: Value, temperature: number): Posterior {
  const supported = supportMask(logits, prior)
  return {
    probabilities: softmax(supported),
    sample: labelsOf(gumbelSoftmax(supported, noise, { temperature })),
    divergence: klDivergence(logSoftmax(supported), prior),
  }
}

/** The labels of a one-hot sample; their gradient is that of the sample. */
function labelsOf(sample: Value): Value {
  return op({ ...argmaxOf(sample), backward: (gradSample) => ({ input: gradSample }) })
}

/** The most channels for a single pass: lavapipe compiles 14 in 1 s, 32 in 5 s, 64 in 30 s. */
const mostChannels = 32

const zero = constant('zero', [1], Float32Array.of(0))
