import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
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

describe.each([
  ['softmax', softmax, reference.softmax, reference.softmaxBackward],
  ['log_softmax', logSoftmax, reference.logSoftmax, reference.logSoftmaxBackward],
] as const)('%s along any axis', (_, build, forward, backward) => {
  const cases: [shape: readonly number[], axis: number][] = [
    ...[0, 1, 2, 3, 4].map((axis): [readonly number[], number] => [[2, 3, 5, 7, 4], axis]),
    [[5], 0],
    [[7, 11], 0],
    [[7, 11], -1],
    // Attention weights: more than fit into registers, and about the lanes of a workgroup.
    [[2, 5, 33], -1],
    [[3, 63], 1],
    [[3, 64], 1],
    [[5, 300], 1],
    [[1, 1000], 1],
    [[65, 2, 130], 0],
  ]
  it.each(cases)('%j, axis %i', (shape, axis) => {
    const x = draw(shape, -8, 8)
    const along = axis < 0 ? axis + shape.length : axis
    return expectReference(device.gpu, {
      feeds: { x },
      build: (v) => build(v.x!, axis),
      expected: forward(x, along),
      backward: (g) => ({ x: backward(g, x, along).gradInput }),
    })
  })

  it('refuses axes that do not exist', () => {
    expect(() => build(input('x', [5]))).toThrow('softmax: x [5] has no axis 1')
  })
})
