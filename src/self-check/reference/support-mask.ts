/**
 * Keeps the posterior within the support of the prior (docs/equations.md, row "logits"):
 *
 *   out = logits - 1e12 where prior < threshold, and no gradient flows there; out = logits elsewhere.
 */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import * as klDivergence from './kl-divergence.js'
import { drawPrior } from './softmax.js'
import { expectSameShape, map, type NdArray } from './nd-array.js'

const PENALTY = 1e12
const THRESHOLD = 1e-8

/** logits and prior [N, C, ...] -> [N, C, ...]. */
export function forward(logits: NdArray, prior: NdArray, threshold = THRESHOLD): NdArray {
  expectSameShape(logits, prior)
  return map(logits, (logit, i) => (prior.data[i]! < threshold ? logit - PENALTY : logit))
}

/** gradOutput where the prior allows the class, 0 elsewhere. */
export function backward(
  gradOutput: NdArray,
  prior: NdArray,
  threshold = THRESHOLD,
): { gradLogits: NdArray } {
  return { gradLogits: map(gradOutput, (g, i) => (prior.data[i]! < threshold ? 0 : g)) }
}

/** logits + log(prior + least), [N, C, ...]; its gradient with respect to the logits is that of the output. */
export function addLogPrior(logits: NdArray, prior: NdArray, least: number): NdArray {
  expectSameShape(logits, prior)
  return map(logits, (logit, i) => logit + Math.log(prior.data[i]! + least))
}

export const gradientCases: GradientCases = (draw) => {
  const logits = draw([2, 4, 3, 5, 1], -3, 3)
  const prior = drawPrior(logits.shape, draw)
  return {
    // Followed by the divergence, because the mask alone adds a constant that is too large for differences.
    'before the divergence': gradientCase(
      { logits },
      (v) => klDivergence.forward(forward(v.logits, prior), prior),
      (g) => backward(klDivergence.backward(g, forward(logits, prior), prior).gradLogits, prior),
    ),
    'plus the logarithm of the prior': gradientCase(
      { logits },
      (v) => addLogPrior(v.logits, prior, 1e-7),
      (gradLogits) => ({ gradLogits }),
    ),
  }
}
