import type { Prior } from '../prior/prior.js'

/** What KL(q || p) adds to the prior, so that the logarithm is finite (docs/equations.md, row "KL"). */
const tiny = 1e-12

/**
 * Cross-entropy of a segmentation q to the prior p: -sum_c q_c log(p_c + 1e-12), in nats, mean over voxels. It is the
 * cost of a segmentation under the prior: the prior itself costs its entropy, a class that the prior rules out costs
 * 27.6.
 *
 * @param q class probabilities [K, D, H, W], or a class per voxel, [D, H, W], which has probability 1
 * @throws RangeError if q has another size
 */
export function crossEntropyToPrior({ data, classes }: Prior, q: Float32Array | Uint8Array): number {
  const voxels = data.length / classes
  const due = q instanceof Uint8Array ? voxels : data.length
  if (q.length !== due) throw new RangeError(`A segmentation of ${q.length} values; ${due} are expected.`)
  let sum = 0
  if (q instanceof Uint8Array) {
    for (let i = 0; i < voxels; i++) sum -= Math.log(data[q[i]! * voxels + i]! + tiny)
  } else {
    for (let at = 0; at < q.length; at++) {
      // Most classes are ruled out at most voxels; each skipped term is below 1e-8 * 28.
      if (q[at]! > 1e-8) sum -= q[at]! * Math.log(data[at]! + tiny)
    }
  }
  return sum / voxels
}
