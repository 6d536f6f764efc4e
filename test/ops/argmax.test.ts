import { describe, expect, it } from 'vitest'
import { argmax } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import * as reference from '../reference/argmax.js'
import { map, type NdArray } from '../reference/nd-array.js'
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
    }

  it('all masked, and one not', async () => {
    await expectArgmax(map(draw([2, 5, 2, 3, 5]), () => Math.fround(-1e12)))
    await expectArgmax(map(draw([1, 5, 2, 3, 5]), (x, i) => (i % 7 === 0 ? x : Math.fround(-1e12))))
  })
})

async function expectArgmax(x: NdArray): Promise<void> {
  const { y } = await evaluate(device.gpu, { x }, (v) => ({ y: argmax(v.x!) }))
  expect(new Set(y.data).size).toBeLessThanOrEqual(x.shape[1]!)
  expectSameBits(y, reference.forward(x), 'argmax')
}
