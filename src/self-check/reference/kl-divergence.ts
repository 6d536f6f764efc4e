/**
 * The divergence of the posterior from a spatially independent prior (docs/equations.md, row "KL"):
 *
 *   KL = sum_i sum_c pi (log pi - log p),   pi = softmax_c(logits),   p = (prior + 1e-12) / sum_c (prior + 1e-12)
 *
 * A class whose pi underflows to 0 adds nothing: 0 log 0 = 0. Logits may hold the -1e12 of the support mask.
 */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { expectSameShape, forEachVoxel, scalar, zeros, type NdArray } from './nd-array.js'
import { drawPrior, logSoftmax } from './softmax.js'

const TINY = 1e-12

/** logits and prior [N, C, ...] -> [1], summed over voxels and batch. */
export function forward(logits: NdArray, prior: NdArray): NdArray {
  const { pi, logRatio } = terms(logits, prior)
  return scalar(pi.data.reduce((sum, p, i) => sum + p * logRatio.data[i]!, 0))
}

/** gradOutput [1]; gradLogits_c = gradOutput pi_c (log pi_c/p_c - sum_c' pi_c' log pi_c'/p_c'). */
export function backward(gradOutput: NdArray, logits: NdArray, prior: NdArray): { gradLogits: NdArray } {
  const { pi, logRatio } = terms(logits, prior)
  const gradLogits = zeros(logits.shape)
  forEachVoxel(logits, (channels) => {
    const divergence = channels.reduce((sum, c) => sum + pi.data[c]! * logRatio.data[c]!, 0)
    for (const c of channels) {
      gradLogits.data[c] = gradOutput.data[0]! * pi.data[c]! * (logRatio.data[c]! - divergence)
    }
  })
  return { gradLogits }
}

/** pi, and log pi - log p, which is 0 where pi is 0. */
function terms(logits: NdArray, prior: NdArray): { pi: NdArray; logRatio: NdArray } {
  expectSameShape(logits, prior)
  const logPi = logSoftmax(logits)
  const [pi, logRatio] = [zeros(logits.shape), zeros(logits.shape)]
  forEachVoxel(logits, (channels) => {
    const mass = channels.reduce((sum, c) => sum + prior.data[c]! + TINY, 0)
    for (const c of channels) {
      pi.data[c] = Math.exp(logPi.data[c]!)
      logRatio.data[c] = pi.data[c] === 0 ? 0 : logPi.data[c]! - Math.log((prior.data[c]! + TINY) / mass)
    }
  })
  return { pi, logRatio }
}

export const gradientCases: GradientCases = (draw) => {
  const logits = draw([2, 4, 3, 5, 1], -3, 3)
  const prior = drawPrior(logits.shape, draw)
  return {
    default: gradientCase(
      { logits },
      (v) => forward(v.logits, prior),
      (g) => backward(g, logits, prior),
    ),
  }
}
