import type { Prior } from '../../../src/sae/prior/prior.js'

/** EM with one Gaussian a class, in the simplest form: a segmentation that is right about a scan without any training. */
export function simpleEm(scan: Float32Array, prior: Prior, rounds = 10) {
  const { data, classes: K } = prior
  const N = scan.length
  const posterior = data.slice()
  for (let round = 0; round < rounds; round++) {
    const gaussians = Array.from({ length: K }, (_, c) => fit(scan, posterior.subarray(c * N, (c + 1) * N)))
    for (let i = 0; i < N; i++) {
      let total = 0
      for (let c = 0; c < K; c++) {
        const p = data[c * N + i]!
        const { mean, variance } = gaussians[c]!
        // Far from every mean the prior decides.
        const density = Math.exp(-((scan[i]! - mean) ** 2) / (2 * variance)) / Math.sqrt(variance) + 1e-30
        total += posterior[c * N + i] = p * density
      }
      for (let c = 0; c < K; c++) posterior[c * N + i]! /= total
    }
  }
  const classes = new Uint8Array(N)
  for (let i = 0; i < N; i++) {
    for (let c = 1; c < K; c++) if (posterior[c * N + i]! > posterior[classes[i]! * N + i]!) classes[i] = c
  }
  return { classes, posterior }
}

function fit(scan: Float32Array, weights: Float32Array): { mean: number; variance: number } {
  let [mass, sum, squares] = [1e-6, 0, 0]
  weights.forEach((weight, i) => {
    mass += weight
    sum += weight * scan[i]!
    squares += weight * scan[i]! ** 2
  })
  const mean = sum / mass
  return { mean, variance: Math.max(1e-4, squares / mass - mean ** 2) }
}
