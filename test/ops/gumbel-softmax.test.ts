import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { gumbelSoftmax } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import * as reference from '../reference/gumbel-softmax.js'
import { fromArray, map, type NdArray } from '../reference/nd-array.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(8)
const tau = 2 / 3

/** The ends of what a generator of f32 numbers in [0, 1) gives. */
const last = 1 - 2 ** -24

/** Uniform noise, a tenth of it at either end of the range or within a hair of it. */
const drawNoise = (shape: readonly number[]): NdArray =>
  map(draw(shape, 0, 1), (u, i) => {
    const ends = [0, last, 2 ** -24, 1 - 2 ** -20, 1e-30]
    return Math.fround(i % 10 === 0 ? ends[(i / 10) % ends.length]! : Math.min(u, last))
  })

describe('gumbel_softmax', () => {
  for (const [batch, channels] of [
    [1, 14],
    [2, 2],
    [3, 5],
  ])
    // prettier-ignore
    for (const extent of extents) {
      const shape = [batch!, channels!, ...extent]
      const [logits, noise] = [draw(shape, -5, 5), drawNoise(shape)]
      it(`soft [${shape.join(', ')}]`, () => expectSample(logits, noise, false))
      it(`hard [${shape.join(', ')}]`, () => expectSample(logits, noise, true))
    }

  for (const hard of [false, true]) {
    const kind = hard ? 'hard' : 'soft'
    it(`${kind}, every noise at one end`, async () => {
      for (const end of [0, last]) {
        const logits = draw([2, 14, 2, 3, 5], -3, 3)
        await expectSample(
          logits,
          map(logits, () => end),
          hard,
        )
      }
    })

    it(`${kind}, masked classes get nothing, and no gradient`, () => {
      const logits = map(draw([2, 14, 2, 3, 5], -5, 5), (x, i) =>
        Math.floor(i / 30) % 2 === 0 ? Math.fround(x - 1e12) : x,
      )
      return expectSample(logits, drawNoise(logits.shape), hard)
    })

    it(`${kind}, large logits`, () => {
      // Multiples of 64 up to 1e4: the scores' spacing in f32 (1e-3) then changes no probability.
      const logits = map(draw([1, 14, 2, 3, 5], -1e4, 1e4), (x) => 64 * Math.round(x / 64))
      return expectSample(logits, drawNoise(logits.shape), hard, { tolerance: 5e-6 })
    })

    it(`${kind}, other temperatures`, async () => {
      for (const temperature of [0.1, 1, 5]) {
        const logits = draw([1, 14, 2, 3, 5], -2, 2)
        // Scores of tens at tau 0.1: a rounding of 1e-6 in the exponent.
        await expectSample(logits, drawNoise(logits.shape), hard, { temperature, tolerance: 5e-6 })
      }
    })
  }

  it('hard: the first of equal classes', () =>
    expectSample(
      fromArray([1, 4, 1, 1, 1], [1, 2, 2, 2]),
      fromArray([1, 4, 1, 1, 1], [0.5, 0.5, 0.5, 0.5]),
      true,
    ))

  it('refuses a temperature that is not positive, and noise of another shape', () => {
    const [logits, noise] = [input('logits', [1, 2, 2, 2, 2]), input('noise', [1, 2, 2, 2, 2])]
    for (const temperature of [0, -1, NaN]) {
      expect(() => gumbelSoftmax(logits, noise, { temperature })).toThrow('temperature must be positive')
    }
    expect(() => gumbelSoftmax(logits, input('noise', [1, 2, 2, 2, 3]))).toThrow('must have the same shape')
  })
})

async function expectSample(
  logits: NdArray,
  noise: NdArray,
  hard: boolean,
  { temperature = tau, tolerance = 2e-6 } = {},
): Promise<void> {
  await expectReference(device.gpu, {
    feeds: { logits, noise },
    build: (v) => gumbelSoftmax(v.logits!, v.noise!, { temperature, hard }),
    expected: reference.forward(logits, noise, temperature, hard),
    backward: (gradOutput) => ({
      logits: reference.backward(gradOutput, logits, noise, temperature).gradLogits,
    }),
    tolerance,
    saturates: true,
  })
}
