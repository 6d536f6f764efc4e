/**
 * Probabilities, a sample and the divergence of a categorical at every voxel, composed of the references in this
 * folder:
 *
 *   l = supportMask(logits, prior)
 *   probabilities = softmax(l),  sample = gumbelSoftmax(l, noise) (straight-through),  divergence = KL(softmax(l) || prior)
 */
import { add } from './elementwise.js'
import * as gumbelSoftmax from './gumbel-softmax.js'
import * as klDivergence from './kl-divergence.js'
import type { NdArray } from './nd-array.js'
import { softmax, softmaxBackward } from './softmax.js'
import * as supportMask from './support-mask.js'

export interface Posterior {
  readonly probabilities: NdArray
  readonly sample: NdArray
  /** Of shape [1]. */
  readonly divergence: NdArray
}

export function forward(logits: NdArray, prior: NdArray, noise: NdArray, tau: number): Posterior {
  const masked = supportMask.forward(logits, prior)
  return {
    probabilities: softmax(masked),
    sample: gumbelSoftmax.forward(masked, noise, tau, true),
    divergence: klDivergence.forward(masked, prior),
  }
}

/** Gradient with respect to the logits, given those of the three results. */
export function backward(
  gradients: Posterior,
  logits: NdArray,
  prior: NdArray,
  noise: NdArray,
  tau: number,
): { gradLogits: NdArray } {
  const masked = supportMask.forward(logits, prior)
  const terms = [
    softmaxBackward(gradients.probabilities, masked).gradInput,
    gumbelSoftmax.backward(gradients.sample, masked, noise, tau).gradLogits,
    klDivergence.backward(gradients.divergence, masked, prior).gradLogits,
  ]
  return supportMask.backward(terms.reduce(add), prior)
}
