import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { klDivergence, logSoftmax } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import * as reference from '../reference/kl-divergence.js'
import { map, maxAbsError, type NdArray } from '../reference/nd-array.js'
import { softmax } from '../reference/softmax.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(10)

/** A prior that is exactly 0 for about a fifth of the classes. */
const drawPrior = (shape: readonly number[]): NdArray =>
  map(softmax(draw(shape, -4, 4)), (p, i) => (i % 5 === 2 ? 0 : Math.fround(p)))

describe('kl_divergence', () => {
  for (const [batch, channels] of [
    [1, 14],
    [2, 3],
    [3, 5],
  ])
    // prettier-ignore
    for (const extent of extents) {
      const shape = [batch!, channels!, ...extent]
      it(`[${shape.join(', ')}]`, () => expectDivergence(draw(shape, -4, 4), drawPrior(shape)))
    }

  it('classes masked where the prior is 0, as in the objective', () => {
    const prior = drawPrior([2, 14, 3, 3, 5])
    const logits = map(draw(prior.shape, -4, 4), (x, i) => (prior.data[i] === 0 ? Math.fround(x - 1e12) : x))
    return expectDivergence(logits, prior)
  })

  it('is 0 if the posterior is the prior', async () => {
    const posterior = map(softmax(draw([1, 14, 2, 3, 5])), Math.fround)
    const feeds = { logits: map(posterior, (p) => Math.fround(Math.log(p))), prior: posterior }
    const { kl } = await evaluate(device.gpu, feeds, (v) => ({
      kl: klDivergence(logSoftmax(v.logits!), v.prior!),
    }))
    // 30 voxels, each a sum of probabilities times logarithms that are off by a rounding of numbers up to 4.
    expect(maxAbsError(kl, [0])).toBeLessThan(30 * 4e-7)
  })

  it('refuses a prior of another shape', () => {
    const logPosterior = input('log posterior', [1, 2, 2, 2, 2])
    expect(() => klDivergence(logPosterior, input('prior', [1, 3, 2, 2, 2]))).toThrow(
      'must have the same shape',
    )
  })
})

/** The reference starts at the logits, so the op is run behind its log-softmax. */
const expectDivergence = (logits: NdArray, prior: NdArray): Promise<void> =>
  expectReference(device.gpu, {
    feeds: { logits, prior },
    build: (v) => klDivergence(logSoftmax(v.logits!), v.prior!),
    expected: reference.forward(logits, prior),
    backward: (gradOutput) => ({ logits: reference.backward(gradOutput, logits, prior).gradLogits }),
  })
