import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { crossEntropy } from '../../src/ops/index.js'
import { differentiate, useGpu, withBindingLimit, type UintArray } from '../gpu.js'
import * as reference from '../reference/cross-entropy.js'
import { oneHot } from '../reference/label-conv3d.js'
import { fromArray, map, type NdArray } from '../reference/nd-array.js'
import { softmax } from '../reference/softmax.js'
import { drawFrom, expectReference, expectSameBits, extents } from './check.js'

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

        it(`${reduction} of labels [${shape.join(', ')}]`, () => {
          // Up to the number of classes: some are none of them.
          const labels = Uint32Array.from(draw([batch!, 1, ...extent], 0, channels! + 0.5).data)
          const hot = oneHot(fromArray([batch!, 1, ...extent], labels), channels!)
          return expectLoss(draw(shape, -6, 6), hot, reduction, { shape: [batch!, 1, ...extent], data: labels })
        })
      }

  it('targets that do not sum to 1, some of them 0', () =>
    expectLoss(
      draw([2, 5, 3, 3, 5], -6, 6),
      map(draw([2, 5, 3, 3, 5], -1, 3), (t) => Math.max(t, 0)),
    ))

  it('masked logits with a target of 0', () => {
    const target = map(drawTarget([2, 14, 2, 3, 5]), (t, i) => (i % 3 === 0 ? 0 : t))
    const logits = map(draw(target.shape, -6, 6), (x, i) => (i % 3 === 0 ? Math.fround(x - 1e12) : x))
    return expectLoss(logits, target)
  })

  it('logits far apart', () => expectLoss(draw([1, 14, 2, 3, 5], -300, 300), drawTarget([1, 14, 2, 3, 5])))

  it('labels [N, D, H, W]', () => {
    const labels = Uint32Array.from(draw([2, 3, 5, 7], 0, 4).data)
    const hot = oneHot(fromArray([2, 1, 3, 5, 7], labels), 4)
    return expectLoss(draw(hot.shape, -6, 6), hot, 'mean', { shape: [2, 3, 5, 7], data: labels })
  })

  it('labels: the same bits however the volume is cut', async () => {
    const [shape, extent] = [
      [2, 5, 7, 33, 65],
      [2, 1, 7, 33, 65],
    ]
    const labels = { shape: extent, data: Uint32Array.from(draw(extent, 0, 5).data) }
    const p = draw(shape, 0, 1)
    const run = () =>
      differentiate(device.gpu, { p, labels }, ['p'], fromArray([1], [1]), (v) =>
        crossEntropy(v.p!, v.labels!),
      )
    const whole = await run()
    const cut = await withBindingLimit(device.gpu, 65536, run)
    expectSameBits(cut.output!, whole.output!, 'loss')
    expectSameBits(cut['grad p']!, whole['grad p']!, 'gradient')
  })

  it('refuses a target of another shape', () => {
    const logits = input('logits', [1, 2, 2, 2, 2])
    const labels = input('labels', [1, 1, 2, 2, 1], { dtype: 'u32' })
    expect(() => crossEntropy(logits, labels)).toThrow(
      'the labels labels [1, 1, 2, 2, 1] are not one for each voxel of logits [1, 2, 2, 2, 2]',
    )
    expect(() => crossEntropy(logits, input('target', [1, 2, 2, 2, 1]))).toThrow('must have the same shape')
  })
})

const expectLoss = (
  logits: NdArray,
  target: NdArray,
  reduction?: 'mean' | 'sum',
  labels?: UintArray,
): Promise<void> =>
  expectReference(device.gpu, {
    feeds: { logits, target: labels ?? target },
    build: (v) => crossEntropy(v.logits!, v.target!, reduction ? { reduction } : {}),
    expected: reference.forward(logits, target, reduction),
    backward: (gradOutput) => ({
      logits: reference.backward(gradOutput, logits, target, reduction).gradLogits,
    }),
  })
