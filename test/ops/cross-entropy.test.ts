import { describe, expect, it } from 'vitest'
import { input } from '../../src/autograd/value.js'
import { crossEntropy } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import * as reference from '../reference/cross-entropy.js'
import { map, type NdArray } from '../reference/nd-array.js'
import { softmax } from '../reference/softmax.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(9)
const drawTarget = (shape: readonly number[]): NdArray => map(softmax(draw(shape, -4, 4)), Math.fround)

describe('cross_entropy', () => {
  for (const reduction of ['mean', 'sum'] as const)
    for (const [batch, channels] of [
      [1, 14],
      [2, 3],
      [3, 5],
    ])
      // prettier-ignore
      for (const extent of extents) {
        const shape = [batch!, channels!, ...extent]
        it(`${reduction} [${shape.join(', ')}]`, () =>
          expectLoss(draw(shape, -6, 6), drawTarget(shape), reduction))
      }

  it('targets that do not sum to 1, some of them 0', () =>
    expectLoss(
      draw([2, 5, 3, 3, 5], -6, 6),
      map(draw([2, 5, 3, 3, 5], -1, 3), (t) => Math.max(t, 0)),
    ))

  it('masked logits where the target is 0', () => {
    const target = map(drawTarget([2, 14, 2, 3, 5]), (t, i) => (i % 3 === 0 ? 0 : t))
    const logits = map(draw(target.shape, -6, 6), (x, i) => (i % 3 === 0 ? Math.fround(x - 1e12) : x))
    return expectLoss(logits, target)
  })

  it('logits far apart', () => expectLoss(draw([1, 14, 2, 3, 5], -300, 300), drawTarget([1, 14, 2, 3, 5])))

  it('refuses a target of another shape', () => {
    const logits = input('logits', [1, 2, 2, 2, 2])
    expect(() => crossEntropy(logits, input('target', [1, 2, 2, 2, 1]))).toThrow('must have the same shape')
  })
})

const expectLoss = (logits: NdArray, target: NdArray, reduction?: 'mean' | 'sum'): Promise<void> =>
  expectReference(device.gpu, {
    feeds: { logits, target },
    build: (v) => crossEntropy(v.logits!, v.target!, reduction ? { reduction } : {}),
    expected: reference.forward(logits, target, reduction),
    backward: (gradOutput) => ({
      logits: reference.backward(gradOutput, logits, target, reduction).gradLogits,
    }),
  })
