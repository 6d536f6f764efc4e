import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { reshape } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import * as reference from '../reference/reshape.js'
import { drawFrom, expectReference } from './check.js'

const device = useGpu()
const draw = drawFrom(31)

describe('reshape', () => {
  for (const [from, to] of [
    [[6], [2, 3]],
    [
      [2, 3, 5, 7],
      [7, 30],
    ],
    [[3, 5, 7, 1, 2, 2, 1], [420]],
    // Volumes to flat values and back: the order of memory changes with it.
    [[2, 3, 5, 7, 4], [840]],
    [
      [1, 3, 5, 7, 4],
      [3, 140],
    ],
    [
      [2, 1, 5, 7, 4],
      [10, 28],
    ],
    [[840], [2, 3, 5, 7, 4]],
    [
      [12, 70],
      [1, 3, 8, 5, 7],
    ],
    // From one volume to another.
    [
      [2, 3, 5, 7, 4],
      [1, 6, 7, 4, 5],
    ],
    [
      [2, 1, 5, 7, 4],
      [5, 1, 2, 14, 2],
    ],
  ] as const)
    it(`[${from.join(', ')}] to [${to.join(', ')}]`, () => {
      const x = draw(from)
      return expectReference(device.gpu, {
        feeds: { x },
        build: (v) => reshape(v.x!, to),
        expected: reference.forward(x, to),
        backward: (g) => ({ x: reference.backward(g, x).gradInput }),
        tolerance: 0,
      })
    })

  it('copies labels', async () => {
    const labels = {
      shape: [2, 1, 3, 4, 5],
      data: Uint32Array.from({ length: 120 }, (_, i) => i * 40_000_000),
    }
    const { y } = await evaluate(device.gpu, { labels }, (v) => ({ y: reshape(v.labels!, [-1, 4]) }))
    expect(y).toEqual({ shape: [30, 4], data: Float64Array.from(labels.data) })
  })

  it('infers an extent and a layout', () => {
    const x = input('x', [2, 3, 4, 5, 6])
    expect(reshape(x, [2, -1]).shape).toEqual([2, 360])
    expect(reshape(x, [2, 3, -1, 5, 6])).toBe(x)
    expect(reshape(x, [2, 3, 4, 5, 6], { layout: 'flat' }).layout).toBe('flat')
    expect(reshape(x, [1, 6, 4, 5, 6]).layout).toBe('volume')
  })

  it('refuses shapes that do not fit', () => {
    const x = input('x', [4, 6])
    expect(() => reshape(x, [5, 5])).toThrow('reshape: x [4, 6] has 24 elements, which do not fill [5, 5]')
    expect(() => reshape(x, [5, -1])).toThrow('do not fill [5, -1]')
    expect(() => reshape(x, [-1, -1])).toThrow('do not fill [-1, -1]')
    expect(() => reshape(x, [])).toThrow('do not fill []')
    expect(() => reshape(x, [24], { layout: 'volume' })).toThrow('a volume has five extents, not [24]')
  })
})
