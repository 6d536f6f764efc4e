import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { softDice } from '../../src/ops/index.js'
import { differentiate, useGpu, withBindingLimit, type UintArray } from '../gpu.js'
import { oneHot } from '../reference/label-conv3d.js'
import { fromArray, map, type NdArray } from '../reference/nd-array.js'
import { softmax } from '../reference/softmax.js'
import * as reference from '../reference/soft-dice.js'
import { drawFrom, expectReference, expectSameBits, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(24)
const drawProbabilities = (shape: readonly number[]): NdArray => map(softmax(draw(shape, -4, 4)), Math.fround)

describe('soft_dice', () => {
  for (const [batch, channels] of [
    [1, 14],
    [2, 3],
    [3, 1],
  ])
    // prettier-ignore
    for (const extent of extents) {
      const shape = [batch!, channels!, ...extent]
      const title = `[${shape.join(', ')}]`
      it(`probabilities ${title}`, () => expectLoss(drawProbabilities(shape), drawProbabilities(shape)))

      it(`labels ${title}`, () => {
        // Up to the number of classes: some are none of them.
        const labels = Uint32Array.from(draw([batch!, 1, ...extent], 0, channels! + 0.5).data)
        const hot = oneHot(fromArray([batch!, 1, ...extent], labels), channels!)
        return expectLoss(drawProbabilities(shape), hot, { shape: [batch!, 1, ...extent], data: labels })
      })
    }

  it('labels [N, D, H, W], another smoothing', () => {
    const labels = Uint32Array.from(draw([2, 3, 5, 7], 0, 4).data)
    const hot = oneHot(fromArray([2, 1, 3, 5, 7], labels), 4)
    return expectLoss(drawProbabilities([2, 4, 3, 5, 7]), hot, { shape: [2, 3, 5, 7], data: labels }, 0.01)
  })

  it('labels: the same bits however the volume is cut', async () => {
    const [shape, extent] = [
      [2, 5, 7, 33, 65],
      [2, 1, 7, 33, 65],
    ]
    const labels = { shape: extent, data: Uint32Array.from(draw(extent, 0, 5).data) }
    const p = draw(shape, 0, 1)
    const run = () =>
      differentiate(device.gpu, { p, labels }, ['p'], fromArray([1], [1]), (v) => softDice(v.p!, v.labels!))
    const whole = await run()
    const cut = await withBindingLimit(device.gpu, 65536, run)
    expectSameBits(cut.output!, whole.output!, 'loss')
    expectSameBits(cut['grad p']!, whole['grad p']!, 'gradient')
  })

  it('refuses labels of another shape, and a smoothing that is not positive', () => {
    const p = input('p', [2, 4, 2, 3, 5])
    const labels = (shape: number[]) => input('labels', shape, { dtype: 'u32' })
    for (const shape of [[2, 4, 2, 3, 5], [2, 1, 2, 3, 4], [2, 2, 3, 4], [60]])
      expect(() => softDice(p, labels(shape))).toThrow('are not one for each voxel of p [2, 4, 2, 3, 5]')
    expect(() => softDice(p, input('t', [2, 1, 2, 3, 5]))).toThrow('must have the same shape')
    expect(() => softDice(p, p, { smooth: 0 })).toThrow('smooth must be positive, not 0')
  })
})

const expectLoss = (p: NdArray, hot: NdArray, labels?: UintArray, smooth = 1): Promise<void> =>
  expectReference(device.gpu, {
    feeds: { p, target: labels ?? hot },
    build: (v) => softDice(v.p!, v.target!, { smooth }),
    expected: reference.forward(p, hot, smooth),
    backward: (g) => ({ p: reference.backward(g, p, hot, smooth).gradProbabilities }),
  })
