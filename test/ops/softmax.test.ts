import { describe, expect, it } from 'vitest'
import { logSoftmax, softmax } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import { map, type NdArray } from '../reference/nd-array.js'
import * as reference from '../reference/softmax.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(5)

const inputs: Record<string, NdArray> = {
  ...Object.fromEntries(
    [[1, 14], [2, 1], [3, 5]].flatMap(([batch, channels]) =>
      extents.map((extent) => {
        const shape = [batch!, channels!, ...extent]
        return [`[${shape.join(', ')}]`, draw(shape, -8, 8)]
      }),
    ), // prettier-ignore
  ),
  'too many channels for registers': draw([2, 33, 2, 3, 5], -8, 8),
  'all equal': map(draw([2, 7, 2, 3, 5]), () => -3.5),
  'far apart': draw([1, 14, 2, 3, 5], -200, 200),
  // The support mask's values; whole classes at -1e12 beside ordinary ones.
  'some at -1e12': map(draw([2, 14, 3, 3, 5], -5, 5), (x, i) => (i % 3 === 0 ? Math.fround(x - 1e12) : x)),
  'all at -1e12': map(draw([1, 14, 2, 3, 5]), () => Math.fround(-1e12)),
  'one at 1e12': map(draw([1, 2, 2, 3, 5]), (x, i) => (i < 30 ? x : Math.fround(1e12))),
}

describe('softmax', () => {
  it.each(Object.entries(inputs))('%s', (_, x) =>
    expectReference(device.gpu, {
      feeds: { x },
      build: (v) => softmax(v.x!),
      expected: reference.softmax(x),
      backward: (gradOutput) => ({ x: reference.softmaxBackward(gradOutput, x).gradInput }),
    }),
  )

  it('sums to 1 over the channels', async () => {
    const x = draw([1, 64, 3, 3, 3], -30, 30)
    const { y } = await evaluate(device.gpu, { x }, (v) => ({ y: softmax(v.x!) }))
    for (let voxel = 0; voxel < 27; voxel++) {
      let total = 0
      for (let c = 0; c < 64; c++) total += y.data[c * 27 + voxel]!
      expect(Math.abs(total - 1)).toBeLessThan(5e-7)
    }
  })
})

describe('log_softmax', () => {
  it.each(Object.entries(inputs))('%s', (_, x) =>
    expectReference(device.gpu, {
      feeds: { x },
      build: (v) => logSoftmax(v.x!),
      expected: reference.logSoftmax(x),
      backward: (gradOutput) => ({ x: reference.logSoftmaxBackward(gradOutput, x).gradInput }),
    }),
  )
})
