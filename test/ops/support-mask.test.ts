import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { addLogPrior, supportMask, supportThreshold } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import { fromArray, map, type NdArray } from '../reference/nd-array.js'
import * as reference from '../reference/support-mask.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(6)

/** A prior of which about a third is exactly 0 and a third just on either side of the threshold. */
const drawPrior = (shape: readonly number[]): NdArray =>
  map(draw(shape, 0, 1), (p, i) => Math.fround(i % 3 === 0 ? 0 : i % 3 === 1 ? p * 2e-8 : p))

describe('support_mask', () => {
  for (const [batch, channels] of [
    [1, 14],
    [2, 3],
  ])
    // prettier-ignore
    for (const extent of extents) {
      const shape = [batch!, channels!, ...extent]
      it(`[${shape.join(', ')}]`, () => expectMask(draw(shape, -20, 20), drawPrior(shape)))
    }

  it('allows a prior of exactly the threshold, forbids the f32 below it', () => {
    const at = Math.fround(supportThreshold)
    const below = new Float32Array(Uint32Array.of(bitsOf(at) - 1).buffer)[0]!
    return expectMask(
      fromArray([1, 4, 1, 1, 1], [1, 2, 3, 4]),
      fromArray([1, 4, 1, 1, 1], [at, below, 1, 0]),
      at,
    )
  })

  it('takes a threshold of its own', () =>
    expectMask(draw([2, 3, 2, 3, 5]), draw([2, 3, 2, 3, 5], 0, 1), Math.fround(0.4)))

  it('refuses a prior of another shape', () => {
    const logits = input('logits', [1, 14, 2, 2, 2])
    const prior = input('prior', [1, 13, 2, 2, 2])
    expect(() => supportMask(logits, prior)).toThrow(
      'support_mask: logits [1, 14, 2, 2, 2] and prior [1, 13, 2, 2, 2] must have the same shape',
    )
  })
})

const bitsOf = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0]!

/** f32 rounds logits - 1e12 to a multiple of 65536: equal to one rounding, exact elsewhere. */
const expectMask = (logits: NdArray, prior: NdArray, threshold?: number): Promise<void> =>
  expectReference(device.gpu, {
    feeds: { logits, prior },
    build: (v) => supportMask(v.logits!, v.prior!, threshold),
    expected: map(reference.forward(logits, prior, threshold), Math.fround),
    backward: (gradOutput) => ({ logits: reference.backward(gradOutput, prior, threshold).gradLogits }),
    tolerance: 0,
  })

describe('add_log_prior', () => {
  for (const [batch, channels] of [
    [1, 14],
    [2, 3],
  ])
    // prettier-ignore
    for (const extent of extents) {
      const shape = [batch!, channels!, ...extent]
      it(`[${shape.join(', ')}]`, () => {
        const [logits, prior, least] = [draw(shape, -20, 20), drawPrior(shape), Math.fround(1e-7)]
        return expectReference(device.gpu, {
          feeds: { logits, prior },
          build: (v) => addLogPrior(v.logits!, v.prior!, least),
          expected: reference.addLogPrior(logits, prior, least),
          backward: (gradOutput) => ({ logits: gradOutput }),
        })
      })
    }

  it('refuses a prior of another shape', () => {
    const [logits, prior] = [input('logits', [1, 14, 2, 2, 2]), input('prior', [1, 13, 2, 2, 2])]
    expect(() => addLogPrior(logits, prior, 1e-7)).toThrow('add_log_prior: logits [1, 14, 2, 2, 2] and prior')
  })
})
