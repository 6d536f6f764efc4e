import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { argmaxOf } from '../../src/ops/argmax.js'
import { argmax } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import * as reference from '../reference/argmax.js'
import { forEachVoxel, map, type NdArray } from '../reference/nd-array.js'
import * as supportMask from '../reference/support-mask.js'
import { drawFrom, expectSameBits, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(7)

describe('argmax', () => {
  for (const [batch, channels] of [
    [1, 14],
    [2, 1],
    [3, 33],
  ])
    // prettier-ignore
    for (const extent of extents) {
      const shape = [batch!, channels!, ...extent]
      it(`[${shape.join(', ')}]`, async () => {
        await expectArgmax(draw(shape))
        await expectArgmax(map(draw(shape, -2, 2), Math.round))
      })
      it(`[${shape.join(', ')}] among the classes that a prior allows`, async () => {
        const prior = map(draw(shape, 0, 1), (p, i) => Math.fround(i % 3 === 0 ? 0 : i % 3 === 1 ? p * 2e-8 : p))
        await expectArgmax(draw(shape), prior)
        await expectArgmax(map(draw(shape, -2, 2), Math.round), prior)
        await expectArgmax(draw(shape), map(prior, () => 0))
        await expectArgmax(draw(shape, -9, 9), prior, Math.fround(1e-7))
      })
    }

  for (const counts of [[3, 1, 1, 4, 5], [14], [1, 13]])
    // prettier-ignore
    for (const extent of extents) {
      const shape = [2, 14, ...extent]
      it(`[${shape.join(', ')}] of classes of ${counts.join(', ')} channels`, async () => {
        const prior = map(draw(shape, 0, 1), (p, i) => (i % 3 === 0 ? 0 : Math.fround(p)))
        await expectLikelyClass(draw(shape, -5, 5), counts)
        await expectLikelyClass(draw(shape, -5, 5), counts, prior)
        await expectLikelyClass(draw(shape, -99, 99), counts, prior)
        await expectLikelyClass(draw(shape, -1, 1), counts, prior, Math.fround(1e-7))
        await expectLikelyClass(draw(shape), counts, map(prior, () => 0))
      })
    }

  it('takes classes of one channel each as they are', () => {
    const counts = [1, 1, 1]
    expect(argmaxOf(input('x', [1, 3, 2, 2, 2]), { counts }).inputs.starts).toBeUndefined()
  })

  it('refuses classes that do not make up the channels', () => {
    for (const counts of [[], [1, 1], [1, 3], [3, 0], [1.5, 1.5]])
      expect(() => argmax(input('x', [1, 3, 2, 2, 2]), { counts })).toThrow(
        `argmax: 3 channels cannot be classes of ${counts.join(', ')} channels`,
      )
  })

  it('all masked, and one not', async () => {
    await expectArgmax(map(draw([2, 5, 2, 3, 5]), () => Math.fround(-1e12)))
    await expectArgmax(map(draw([1, 5, 2, 3, 5]), (x, i) => (i % 7 === 0 ? x : Math.fround(-1e12))))
  })

  it('refuses a prior of another shape, and its logarithm without one', () => {
    expect(() => argmax(input('x', [1, 14, 2, 2, 2]), { least: 1e-7 })).toThrow(
      'argmax: `least` needs a prior',
    )
    expect(() => argmax(input('x', [1, 14, 2, 2, 2]), { prior: input('prior', [1, 13, 2, 2, 2]) })).toThrow(
      'argmax: x [1, 14, 2, 2, 2] and prior [1, 13, 2, 2, 2] must have the same shape',
    )
  })
})

async function expectArgmax(x: NdArray, prior?: NdArray, least?: number): Promise<void> {
  const { y } = await evaluate(device.gpu, { x, ...(prior ? { prior } : {}) }, (v) => ({
    y: argmax(v.x!, { prior: v.prior, least }),
  }))
  expect(new Set(y.data).size).toBeLessThanOrEqual(x.shape[1]!)
  expectSameBits(y, reference.forward(scored(x, prior, least)), 'argmax')
}

/** The chosen class need not be the reference's if their scores are the same up to rounding. */
async function expectLikelyClass(
  x: NdArray,
  counts: readonly number[],
  prior?: NdArray,
  least?: number,
): Promise<void> {
  const { y } = await evaluate(device.gpu, { x, ...(prior ? { prior } : {}) }, (v) => ({
    y: argmax(v.x!, { prior: v.prior, least, counts }),
  }))
  const scores = reference.ofClasses(scored(x, prior, least), counts)
  let voxel = 0
  forEachVoxel(scores, (classes) => {
    const own = classes.map((offset) => scores.data[offset]!)
    const lost = Math.max(...own) - own[y.data[voxel++]!]!
    expect(lost).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(own[0]!)))
  })
  expect(voxel).toBe(y.data.length)
}

function scored(x: NdArray, prior?: NdArray, least?: number): NdArray {
  const logits = prior && least !== undefined ? supportMask.addLogPrior(x, prior, least) : x
  // As on the device, the mask rounds to f32, in which forbidden classes are equal.
  return prior ? map(supportMask.forward(logits, prior), Math.fround) : x
}
