import { describe, expect, it } from 'vitest'
import { constant, type Value } from '../../src/graph/value.js'
import { gradients } from '../../src/graph/gradients.js'
import { dot, labelConv3d, posterior, uniformNoise, weightedSum } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import { fromArray, map, relativeError, scalar, zeros, type NdArray } from '../reference/nd-array.js'
import * as reference from '../reference/posterior.js'
import { drawFrom, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(21)
/** The default, for which the soft sample needs no exponential. */
const defaultTemperature = 2 / 3

/** A prior that rules out some classes of most voxels, but never class 0. */
const drawPrior = (shape: readonly number[]): NdArray => {
  const voxels = shape.slice(2).reduce((a, b) => a * b, 1)
  return map(draw(shape, 0.05, 1), (p, i) =>
    Math.floor(i / voxels) % shape[1]! > 0 && (i * 7) % 5 < 2 ? 0 : p,
  )
}

/** Labels as a one-hot volume: a convolution of one voxel with the identity. */
function oneHot(labels: Value, classes: number): Value {
  const identity = Float32Array.from({ length: classes ** 2 }, (_, i) => Number(i % (classes + 1) === 0))
  return labelConv3d(labels, constant('identity', [classes, classes], identity))
}

type Terms = readonly ('probabilities' | 'sample' | 'divergence')[]
const every: Terms = ['probabilities', 'sample', 'divergence']

/** Compares outputs and the gradient of a weighted sum of the chosen outputs with the reference. */
async function expectPosterior(
  shape: readonly number[],
  terms: Terms = every,
  { shift = 0, tau = defaultTemperature } = {},
): Promise<void> {
  const feeds = {
    // Multiples of 2^-10: shifted by some thousands they are still exact.
    logits: map(draw(shape, -6, 6), (x) => Math.round(1024 * x) / 1024 + shift),
    prior: drawPrior(shape),
    noise: map(draw(shape, 0, 1), (u) => Math.min(u, 1 - 2 ** -24)),
    gradProbabilities: draw(shape),
    gradSample: draw(shape),
  }
  const results = await evaluate(device.gpu, feeds, (v) => {
    const { probabilities, sample, divergence } = posterior(v.logits!, v.prior!, v.noise!, {
      temperature: tau,
    })
    const losses: Record<Terms[number], Value> = {
      probabilities: dot(probabilities, v.gradProbabilities!),
      sample: dot(oneHot(sample, shape[1]!), v.gradSample!),
      divergence: weightedSum([{ term: divergence, factor: 0.3 }]),
    }
    const [gradLogits] = gradients(weightedSum(terms.map((term) => ({ term: losses[term] }))), [v.logits!])
    return { probabilities, sample: oneHot(sample, shape[1]!), divergence, gradLogits: gradLogits! }
  })
  const { logits, prior, noise } = feeds
  const expected = reference.forward(logits, prior, noise, tau)
  expect([...results.sample.data]).toEqual([...expected.sample.data])
  expect(relativeError(results.probabilities, expected.probabilities)).toBeLessThan(1e-6)
  expect(relativeError(results.divergence, expected.divergence)).toBeLessThan(1e-6)
  const incoming = {
    probabilities: terms.includes('probabilities') ? feeds.gradProbabilities : zeros(shape),
    sample: terms.includes('sample') ? feeds.gradSample : zeros(shape),
    divergence: scalar(terms.includes('divergence') ? 0.3 : 0),
  }
  const { gradLogits } = reference.backward(incoming, logits, prior, noise, tau)
  expect(relativeError(results.gradLogits, gradLogits)).toBeLessThan(2e-6)
}

describe('posterior', () => {
  for (const [batch, channels] of [
    [1, 14],
    [2, 3],
    [3, 8],
  ]) {
    for (const extent of extents) {
      const shape = [batch!, channels!, ...extent]
      // One voxel of few classes may saturate: its gradient is then nothing but rounding.
      if (extent.every((n) => n === 1) && channels! < 14) continue
      it(`[${shape.join(', ')}]`, () => expectPosterior(shape))
    }
  }
  it('more channels than one pass holds', () => expectPosterior([2, 40, 2, 3, 5]))
  for (const terms of [
    ['probabilities'],
    ['sample'],
    ['divergence'],
    ['probabilities', 'divergence'],
  ] as Terms[]) {
    it(`gradient of ${terms.join(' and ')} alone`, () => expectPosterior([2, 5, 3, 4, 7], terms))
  }

  it('logits far from zero cost no digits of the divergence', () =>
    expectPosterior([2, 5, 3, 4, 7], ['divergence'], { shift: 4096 }))

  for (const tau of [0.2, 1, 3]) {
    it(`temperature ${tau}`, () => expectPosterior([2, 5, 3, 4, 7], every, { tau }))
  }

  it('makes from a counter the noise that uniformNoise makes', async () => {
    const shape = [2, 6, 3, 5, 7]
    const feeds = { logits: draw(shape, -3, 3), prior: drawPrior(shape), gradSample: draw(shape) }
    const run = (noisy: (counter: Value) => Value) =>
      evaluate(device.gpu, feeds, (v) => {
        const counter = constant('counter', [2], Uint32Array.of(3, 41))
        const { sample } = posterior(v.logits!, v.prior!, noisy(counter))
        const [gradLogits] = gradients(dot(oneHot(sample, 6), v.gradSample!), [v.logits!])
        return { sample, gradLogits: gradLogits! }
      })
    const stored = await run((counter) => uniformNoise(shape, counter))
    const recomputed = await run((counter) => counter)
    expect(recomputed).toEqual(stored)
  })

  it('gives a voxel that the prior rules out altogether a uniform posterior and no gradient', async () => {
    const shape = [1, 4, 1, 1, 2]
    const feeds = {
      logits: fromArray(shape, [1, 2, 3, 4, 5, 6, 7, 8]),
      prior: zeros(shape),
      noise: draw(shape, 0, 0.999),
      g: draw(shape),
    }
    const { probabilities, gradLogits } = await evaluate(device.gpu, feeds, (v) => {
      const result = posterior(v.logits!, v.prior!, v.noise!)
      const [gradLogits] = gradients(dot(result.probabilities, v.g!), [v.logits!])
      return { probabilities: result.probabilities, gradLogits: gradLogits! }
    })
    expect([...probabilities.data]).toEqual(Array(8).fill(0.25))
    expect([...gradLogits.data]).toEqual(Array(8).fill(0))
  })
})
