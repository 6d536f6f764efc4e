/**
 * The posterior of the channels of a prior, of which each owns some Gaussians of a mixture:
 *
 *   l_m = const_m + sum_c (q_cm x_c + b_cm) x_c + log(prior_k + least), less 1e12 if prior_k < 1e-8;  k owns m
 *   output_k = (1 - outliers) sum_{m of k} softmax(l)_m + outliers prior_k
 */
import { forEachVoxel, zeros, type NdArray } from './nd-array.js'

/** scan [N, C, ...], prior [N, K, ...], factors [N, 2 C + 1, M], counts [K] -> [N, K, ...]. */
export function forward(
  scan: NdArray,
  prior: NdArray,
  factors: NdArray,
  counts: readonly number[],
  { least, outliers = 0 }: { readonly least: number; readonly outliers?: number },
): NdArray {
  const output = zeros(prior.shape)
  const contrasts = scan.shape[1]!
  const components = factors.shape[2]!
  const owners = counts.flatMap((count, k) => Array<number>(count).fill(k))
  const intensities: number[][] = []
  forEachVoxel(scan, (offsets) => intensities.push(offsets.map((at) => scan.data[at]!)))
  let voxel = 0
  forEachVoxel(prior, (offsets) => {
    const n = Math.floor(offsets[0]! / (prior.data.length / prior.shape[0]!))
    const x = intensities[voxel++]!
    const factor = (row: number, m: number) => factors.data[(n * (2 * contrasts + 1) + row) * components + m]!
    const logits = owners.map((k, m) => {
      const p = prior.data[offsets[k]!]!
      const likelihood = x.reduce(
        (sum, value, c) => sum + (factor(c, m) * value + factor(contrasts + c, m)) * value,
        factor(2 * contrasts, m),
      )
      return likelihood + Math.log(p + least) - (p < 1e-8 ? 1e12 : 0)
    })
    const largest = Math.max(...logits)
    const shares = logits.map((l) => Math.exp(l - largest))
    const total = shares.reduce((a, b) => a + b)
    owners.forEach((k, m) => (output.data[offsets[k]!]! += ((1 - outliers) * shares[m]!) / total))
    for (const at of offsets) output.data[at]! += outliers * prior.data[at]!
  })
  return output
}
