import { describe, expect, it } from 'vitest'
import { defaultEm, type EmOptions } from '../../../../src/sae/mixture/em-settings.js'
import { ExpectationMaximisation, type EmResult } from '../../../../src/sae/mixture/em.js'
import type { Prior } from '../../../../src/sae/prior/prior.js'
import { mrfTableOf } from '../../../../src/sae/prior/mrf-table.js'
import { useGpu } from '../../../gpu.js'
import { rejectedUserError } from '../../../io/support.js'
import { em as reference } from '../../../reference/em.js'
import { fromArray, maxAbsError, mulberry32, relativeError } from '../../../reference/nd-array.js'

const device = useGpu()

type Extents = readonly [number, number, number]

/** A scan of layers, each with its own intensity, and a prior that knows about where they lie. */
function drawStudy(shape: Extents, classes: number, seed: number): { scan: Float32Array; prior: Prior } {
  const random = mulberry32(seed)
  const voxels = shape[0] * shape[1] * shape[2]
  const normal = () => random() + random() + random() + random() - 2
  const truth = Array.from(
    { length: voxels },
    (_, i) => Math.floor((i * classes) / voxels + 0.3 * random()) % classes,
  )
  const scan = Float32Array.from(truth, (c) => 30 * c + 8 * normal() + 20)
  const data = new Float32Array(classes * voxels)
  truth.forEach((c, i) => {
    const weights = Array.from({ length: classes }, (_, other) => 0.1 + random() + (other === c ? 2 : 0))
    // Some classes are ruled out, never the true one.
    const allowed = weights.map((weight, other) => (other !== c && random() < 0.25 ? 0 : weight))
    const sum = allowed.reduce((a, b) => a + b, 0)
    allowed.forEach((weight, other) => (data[other * voxels + i] = weight / sum))
  })
  return { scan, prior: { data, classes, shape } }
}

async function run(prior: Prior, scan: Float32Array, options: EmOptions): Promise<EmResult> {
  const em = await ExpectationMaximisation.create(device.gpu, prior, options)
  try {
    return await em.run(scan)
  } finally {
    em.dispose()
  }
}

/** Runs a fixed number of iterations here and in the reference, and compares everything. */
async function expectAgreement(
  { scan, prior }: { scan: Float32Array; prior: Prior },
  asked: EmOptions,
): Promise<EmResult> {
  const options = {
    ...defaultEm,
    beta: 0,
    bias: 0,
    components: 1,
    iterations: 6,
    tolerance: 0,
    channels: 1,
    ...asked,
  }
  const { beta, neighbourhood: k, potential, iterations } = options
  const actual = await run(prior, scan, options)
  const table = fromArray([prior.classes, prior.classes], mrfTableOf(prior, k, potential))
  const expected = reference(
    fromArray([options.channels, ...prior.shape], scan),
    fromArray([prior.classes, ...prior.shape], prior.data),
    { ...options, ...(beta > 0 ? { mrf: { beta, table, k } } : {}) },
  )
  expect(actual.logLikelihoods).toHaveLength(iterations)
  expect(maxAbsError(actual.posterior, expected.posterior)).toBeLessThan(1e-3)
  expect(maxAbsError(actual.logLikelihoods, expected.logLikelihoods)).toBeLessThan(1e-4)
  const parameters = (mixture: EmResult['mixture']) =>
    mixture.flat().flatMap(({ weight, mean, variance }) => [100 * weight, ...mean, ...variance])
  expect(relativeError(parameters(actual.mixture), parameters(expected.mixture))).toBeLessThan(1e-3)
  if (options.bias > 0) expect(maxAbsError(actual.field!(), expected.field)).toBeLessThan(1e-4)
  else expect(actual.field).toBeUndefined()
  expectConsistent(actual, prior)
  return actual
}

/** The classes are those of the posterior, which sums to 1 and keeps what the prior rules out at 0. */
function expectConsistent({ classes, posterior }: EmResult, prior: Prior): void {
  classes.forEach((found, i) => {
    const q = Array.from({ length: prior.classes }, (_, c) => posterior[c * classes.length + i]!)
    expect(Math.abs(q.reduce((a, b) => a + b) - 1)).toBeLessThan(1e-5)
    expect(q[found]).toBe(Math.max(...q))
    q.forEach((p, c) => {
      if (prior.data[c * classes.length + i]! < 1e-8) expect(p).toBe(0)
    })
  })
}

describe('expectation maximisation', () => {
  const shapes: Extents[] = [
    [5, 7, 9],
    [3, 1, 11],
    [2, 13, 4],
  ]
  it.each(shapes.flatMap((shape) => [1, 2, 3].map((components) => ({ shape, components }))))(
    'is that of the reference: $shape voxels, $components Gaussians a class',
    async ({ shape, components }) => {
      await expectAgreement(drawStudy(shape, 4, 7), { components })
    },
  )

  it('is that of the reference with other numbers of Gaussians in each class', async () => {
    await expectAgreement(drawStudy([5, 7, 9], 4, 9), { components: [2, 1, 3, 1] })
  })

  it.each<EmOptions>([
    { channels: 2 },
    { channels: 3, components: 2, beta: 0.01 },
    { channels: 2, components: 2, bias: 2 },
  ])('is that of the reference for scans of several channels: %j', async (options) => {
    const { scan, prior } = drawStudy([5, 7, 9], 4, 7)
    // Other contrasts and units of the same voxels, with noise of their own.
    const others = Array.from({ length: options.channels! - 1 }, (_, h) =>
      scan.map(
        (value, i) => (100 * (h + 1) * (2 - value + (((i * 7919) % 101) / 101) * 0.3)) / (1 + (i % 9) / 40),
      ),
    )
    const several = Float32Array.from([scan, ...others].flatMap((channel) => [...channel]))
    const both = await expectAgreement({ scan: several, prior }, options)
    const alone = await expectAgreement({ scan, prior }, { ...options, channels: 1 })
    expect(both.posterior).not.toEqual(alone.posterior)
  })

  it.each<EmOptions>([
    { beta: 0.02 },
    { beta: 0.02, potential: 'conditional' },
    { beta: 0.005, neighbourhood: 5, components: 2 },
  ])('has the MRF of the reference: %j', async (options) => {
    await expectAgreement(drawStudy([5, 7, 9], 4, 8), options)
  })

  it.each<EmOptions>([{ bias: 1 }, { bias: 4 }, { bias: 2, components: 2, beta: 0.01 }])(
    'has the bias field of the reference: %j',
    async (options) => {
      const { scan, prior } = drawStudy([6, 5, 9], 3, 9)
      const shaded = scan.map((value, i) => (i % 5 === 0 ? 0 : value * (0.8 + (0.4 * (i % 9)) / 9)))
      const { field } = await expectAgreement({ scan: shaded, prior }, options)
      expect(field!().some((value) => Math.abs(value - 1) > 0.02)).toBe(true)
    },
  )

  it('keeps finite numbers where a class is absent, the scan is constant, or has one voxel that is different', async () => {
    const { scan, prior } = drawStudy([4, 5, 6], 3, 10)
    const voxels = scan.length
    // Class 1 gives all its mass to class 0.
    const absent = { ...prior, data: prior.data.slice() }
    for (let i = 0; i < voxels; i++) absent.data[i]! += absent.data[voxels + i]!
    absent.data.fill(0, voxels, 2 * voxels)
    const options = { components: 2, beta: 0.01, bias: 2 }
    const { mixture } = await expectAgreement({ scan, prior: absent }, options)
    expect(
      mixture
        .flat()
        .every(({ mean: [mean], variance: [variance] }) => Number.isFinite(mean) && variance! > 0),
    ).toBe(true)
    await expectAgreement({ scan: scan.map(() => 3), prior }, { components: 3, beta: 0.01 })
    const { posterior, field } = await run(prior, new Float32Array(voxels), options)
    expect([...posterior, ...field!()].every(Number.isFinite)).toBe(true)
    const hot = await run(
      prior,
      scan.map((value, i) => (i === 50 ? 1e4 : value)),
      options,
    )
    expectConsistent(hot, prior)
  })

  it('does not depend on the unit of the scan', async () => {
    const { scan, prior } = drawStudy([5, 7, 9], 4, 11)
    const options = { components: 2, beta: 0.01, bias: 2, iterations: 5 }
    const plain = await run(prior, scan, options)
    const scaled = await run(
      prior,
      scan.map((value) => 0.001 * value),
      options,
    )
    expect(maxAbsError(scaled.posterior, plain.posterior)).toBeLessThan(1e-3)
    expect(scaled.mixture[1]![0]!.mean[0]).toBeCloseTo(0.001 * plain.mixture[1]![0]!.mean[0]!, 6)
    expect(scaled.logLikelihoods[4]).toBeCloseTo(plain.logLikelihoods[4]! + Math.log(1000), 4)
  })

  it('raises the log-likelihood until it changes no more', async () => {
    const { scan, prior } = drawStudy([9, 10, 11], 3, 12)
    const shown: number[] = []
    const em = await ExpectationMaximisation.create(device.gpu, prior, {
      ...defaultEm,
      beta: 0,
      bias: 0,
      iterations: 500,
    })
    const { logLikelihoods } = await em.run(scan, ({ iteration, logLikelihood }) => {
      shown.push(logLikelihood)
      expect(iteration).toBe(shown.length)
    })
    em.dispose()
    expect(shown).toEqual(logLikelihoods)
    expect(logLikelihoods.length).toBeLessThan(500)
    logLikelihoods.slice(1).forEach((value, i) => {
      expect(value).toBeGreaterThan(logLikelihoods[i]! - 1e-6)
    })
    expect(logLikelihoods.at(-1)! - logLikelihoods.at(-2)!).toBeLessThan(1e-5)
  })

  it('gives the same bits for a scan again, whatever came between, and slab by slab', async () => {
    const { scan, prior } = drawStudy([40, 16, 16], 5, 13)
    const other = drawStudy([40, 16, 16], 5, 14).scan
    const options = { components: 2, beta: 0.01, bias: 2, iterations: 4 }
    const em = await ExpectationMaximisation.create(device.gpu, prior, options)
    const contents = ({ field, ...result }: EmResult) => ({ ...result, field: field!() })
    const first = contents(await em.run(scan))
    await em.run(other)
    expect(contents(await em.run(scan))).toEqual(first)
    const whole = em.preparation
    em.dispose()
    const swept = await ExpectationMaximisation.create(device.gpu, prior, {
      ...options,
      memoryLimit: 0.9 * whole.bytes,
    })
    expect(swept.preparation.slabs).toBeGreaterThan(1)
    expect(contents(await swept.run(scan))).toEqual(first)
    swept.dispose()
  })

  it('refuses settings out of range and invalid scans', async () => {
    const { scan, prior } = drawStudy([3, 4, 5], 2, 15)
    const refusal = (options: EmOptions) =>
      rejectedUserError(ExpectationMaximisation.create(device.gpu, prior, options))
    expect(await refusal({ components: 4 })).toBe('components must be a whole number from 1 to 3, not 4')
    expect(await refusal({ beta: -1 })).toMatch(/^beta must be/)
    expect(await refusal({ neighbourhood: 4 })).toMatch(/must be an odd number from 3 to 21, not 4/)
    expect(await refusal({ bias: 5 })).toMatch(/bias field must be a whole number from 0 to 4, not 5/)
    expect(await refusal({ iterations: 0 })).toMatch(/^iterations must be/)
    expect(await refusal({ varianceFloor: 0 })).toMatch(/^variance floor must be/)
    const broken = scan.map((value, i) => (i === 7 ? NaN : value))
    await expect(run(prior, broken, {})).rejects.toThrow('the scan holds NaN or infinity')
    await expect(run(prior, scan.slice(1), {})).rejects.toThrow('a scan of 59 voxels')
  })
})
