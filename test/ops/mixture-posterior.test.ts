import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { mixturePosterior } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import { channelOf, map, maxAbsError, type NdArray } from '../reference/nd-array.js'
import * as reference from '../reference/mixture-posterior.js'
import { drawFrom, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(83)

/** A prior that rules out about a third of the classes, but never the first one. */
const drawPrior = (shape: readonly number[]): NdArray =>
  map(draw(shape, 0, 1), (p, i) => Math.fround(p < 0.3 && channelOf(shape, i) > 0 ? 0 : p + 0.1))

describe('mixture_posterior', () => {
  for (const { batch, contrasts, counts } of [
    { batch: 1, contrasts: 1, counts: [1, 2, 3] },
    { batch: 2, contrasts: 1, counts: [2] },
    { batch: 2, contrasts: 3, counts: [1, 1, 2, 1, 2] },
    { batch: 1, contrasts: 2, counts: Array<number>(40).fill(1) },
  ])
    // prettier-ignore
    for (const extent of extents) {
      const shape = [batch, counts.length, ...extent]
      it(`[${shape.join(', ')}] of ${contrasts} contrasts`, async () => {
        const components = counts.reduce((sum, n) => sum + n)
        const [x, prior] = [draw([batch, contrasts, ...extent], 0, 1), drawPrior(shape)]
        const factors = draw([batch, 2 * contrasts + 1, components], -9, 9)
        for (const options of [{ least: Math.fround(1e-7) }, { least: 0.5, outliers: 0.25 }]) {
          const { y } = await evaluate(device.gpu, { x, prior, factors }, (v) => ({
            y: mixturePosterior(v.x!, v.prior!, { factors: v.factors!, counts }, options),
          }))
          expect(maxAbsError(y, reference.forward(x, prior, factors, counts, options))).toBeLessThan(2e-6)
        }
      })
    }

  it('gives all components the same if the prior rules out every channel', async () => {
    const [x, prior] = [draw([1, 1, 2, 2, 3], 0, 1), map(draw([1, 2, 2, 2, 3]), () => 0)]
    const factors = draw([1, 3, 4], -9, 9)
    const { y } = await evaluate(device.gpu, { x, prior, factors }, (v) => ({
      y: mixturePosterior(v.x!, v.prior!, { factors: v.factors!, counts: [1, 3] }, { least: 1e-7 }),
    }))
    y.data.forEach((p, i) => {
      expect(p).toBeCloseTo(i < 12 ? 0.25 : 0.75, 6)
    })
  })

  it('refuses shapes that do not fit', () => {
    const build = (scan: number[], factors: number[], counts: number[]) => () =>
      mixturePosterior(
        input('x', scan),
        input('prior', [1, 2, 3, 4, 5]),
        { factors: input('factors', factors), counts },
        { least: 1e-7 },
      )
    expect(build([1, 1, 3, 4, 5], [1, 3, 5], [2, 3])().shape).toEqual([1, 2, 3, 4, 5])
    for (const wrong of [
      build([1, 1, 3, 4, 5], [1, 3, 5], [2, 2]),
      build([1, 1, 3, 4, 5], [1, 3, 5], [5]),
      build([1, 2, 3, 4, 5], [1, 3, 5], [2, 3]),
      build([1, 1, 3, 4, 6], [1, 3, 5], [2, 3]),
      build([2, 1, 3, 4, 5], [1, 3, 5], [2, 3]),
    ])
      expect(wrong).toThrow(/^mixture_posterior: x \[.*do not fit each other$/)
  })
})
