/** The posterior that a step computes from a mixture, beside the same in float64. */
import { expect, it } from 'vitest'
import { input } from '../../../../src/graph/value.js'
import { compile } from '../../../../src/plan/compile.js'
import type { TrainingScan } from '../../../../src/sae/training/batches.js'
import type { GaussianMixture } from '../../../../src/sae/mixture/gaussian-mixture.js'
import { mixtureFormOf, mixtureInputs, mixtureTarget } from '../../../../src/sae/mixture/mixture-target.js'
import { useGpu } from '../../../gpu.js'
import { maxAbsError } from '../../../reference/nd-array.js'

const device = useGpu()

const shape = [3, 5, 7] as const
const voxels = 105
const random = (seed: number, length: number) =>
  Float32Array.from({ length }, (_, i) => (((i + 1) * 7919 * (seed + 3)) % 1009) / 1009)

/** Three channels of one, two and three Gaussians. */
const mixtureOf = (shift: number): GaussianMixture => [
  [{ weight: 1, mean: [0.1 + shift], variance: [0.02] }],
  [
    { weight: 0.3, mean: [0.4 + shift], variance: [0.01] },
    { weight: 0.7, mean: [0.6], variance: [0.03] },
  ],
  [
    { weight: 0.2, mean: [0.5], variance: [0.02] },
    { weight: 0.5, mean: [0.8 + shift], variance: [0.005] },
    { weight: 0.3, mean: [0.2], variance: [0.1] },
  ],
]

/** The same with other means and variances in each further channel. */
const inChannels = (mixture: GaussianMixture, channels: number): GaussianMixture =>
  mixture.map((components) =>
    components.map(({ weight, mean: [mean], variance: [variance] }) => ({
      weight,
      mean: Array.from({ length: channels }, (_, h) => mean! + 0.2 * h * (mean! - 0.4)),
      variance: Array.from({ length: channels }, (_, h) => variance! * (1 + 0.5 * h)),
    })),
  )

function reference(prior: Float32Array, scan: Float32Array, mixture: GaussianMixture, field?: Float32Array) {
  const posterior = new Float64Array(mixture.length * voxels)
  for (let i = 0; i < voxels; i++) {
    const x = Array.from({ length: scan.length / voxels }, (_, h) => {
      const value = scan[h * voxels + i]!
      return field ? value / field[h * voxels + i]! : value
    })
    const joint = mixture.map((components, c) => {
      const p = prior[c * voxels + i]!
      if (p < 1e-8) return 0
      return components.reduce(
        (sum, { weight, mean, variance }) =>
          sum +
          mean.reduce(
            (density, value, h) =>
              (density * Math.exp((-0.5 * (x[h]! - value) ** 2) / variance[h]!)) / Math.sqrt(variance[h]!),
            p * weight,
          ),
        0,
      )
    })
    const total = joint.reduce((a, b) => a + b)
    joint.forEach((value, c) => (posterior[c * voxels + i] = value / total))
  }
  return posterior
}

it.each([
  [1, false],
  [1, true],
  [2, false],
  [3, true],
])('is the posterior of the mixture of %i channels, bias field %s', async (channels, biased) => {
  const scans: TrainingScan[] = [0, 1].map((n) => ({
    name: `scan ${n}`,
    data: random(n, channels * voxels),
    fit: {
      mixture: inChannels(mixtureOf(0.1 * n), channels),
      field: biased ? () => random(n + 5, channels * voxels).map((value) => 0.8 + 0.4 * value) : undefined,
    },
  }))
  const form = mixtureFormOf(scans)
  expect(form).toEqual({ components: [1, 2, 3], biased })
  const scan = input('scan', [2, channels, ...shape])
  const prior = input('prior', [2, 3, ...shape])
  const target = mixtureTarget(scan, prior, form)
  // Classes that are ruled out at some voxels.
  const priors = random(11, 2 * 3 * voxels).map((value, i) => (i % 13 === 4 ? 0 : value))
  const plan = await compile(device.gpu, { outputs: [target.posterior] })
  plan.write(scan, Float32Array.from(scans.flatMap(({ data }) => [...(data as Float32Array)])))
  plan.write(prior, priors)
  for (const [value, contents] of mixtureInputs(target, scans)) plan.write(value, contents)
  await plan.run()
  const actual = await plan.read(target.posterior)
  const size = 3 * voxels
  scans.forEach(({ data, fit }, n) => {
    const own = priors.subarray(n * size, (n + 1) * size)
    const expected = reference(own, data as Float32Array, fit!.mixture, fit!.field?.())
    expect(maxAbsError(actual.subarray(n * size, (n + 1) * size), expected)).toBeLessThan(2e-5)
  })
  plan.dispose()
})

it('refuses scans without a mixture, or with mixtures of several forms', () => {
  const scan = (name: string, fit?: TrainingScan['fit']): TrainingScan => ({
    name,
    data: random(1, voxels),
    ...(fit ? { fit } : {}),
  })
  const fit = { mixture: mixtureOf(0) }
  expect(() => mixtureFormOf([scan('a', fit), scan('b')])).toThrow(/^b: has no Gaussian mixture/)
  const other = { mixture: mixtureOf(0).slice(0, 2) }
  expect(() => mixtureFormOf([scan('a', fit), scan('b', other)])).toThrow(/^b: .* a different form/)
})
