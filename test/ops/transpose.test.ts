import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { transpose } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import * as reference from '../reference/transpose.js'
import { drawFrom, expectReference } from './check.js'

const device = useGpu()
const draw = drawFrom(32)

describe('transpose', () => {
  const volume = [2, 3, 5, 7, 4]
  for (const [shape, axes, flat] of [
    [[5], [0]],
    [
      [7, 11],
      [1, 0],
    ],
    [
      [64, 68],
      [1, 0],
    ],
    [
      [3, 5, 8],
      [1, 0, 2],
    ],
    [
      [2, 3, 5, 7],
      [0, 3, 1, 2],
    ],
    [
      [2, 3, 2, 3, 2, 5],
      [5, 4, 3, 2, 1, 0],
    ],
    // Neighbouring axes count as one.
    [
      [2, 3, 2, 3, 2, 2, 3, 2],
      [4, 5, 6, 7, 0, 1, 2, 3],
    ],
    [volume, [0, 2, 1, 3, 4], true],
    // Volumes: within planes, between planes, and all axes.
    [volume, [0, 1, 2, 4, 3]],
    [volume, [0, 3, 2, 1, 4]],
    [volume, [2, 1, 0, 3, 4]],
    [volume, [0, 1, 4, 2, 3]],
    [volume, [4, 3, 2, 1, 0]],
    [
      [1, 1, 13, 1, 1],
      [4, 3, 2, 1, 0],
    ],
  ] as const)
    it(`[${shape.join(', ')}] by [${axes.join(', ')}]${flat ? ', flat' : ''}`, () => {
      const x = draw(shape)
      return expectReference(device.gpu, {
        feeds: { x },
        build: (v) => transpose(v.x!, axes),
        expected: reference.forward(x, axes),
        backward: (g) => ({ x: reference.backward(g, axes).gradInput }),
        tolerance: 0,
        flat: flat ? ['x', 'gradOutput'] : [],
      })
    })

  it('reverses the axes by default, counts from the last one, and moves labels', async () => {
    const x = input('x', [2, 3, 4], { dtype: 'u32' })
    expect(transpose(x).shape).toEqual([4, 3, 2])
    expect(transpose(x, [0, -1, -2]).shape).toEqual([2, 4, 3])
    expect(transpose(x, [0, 1, 2])).toBe(x)
    const labels = { shape: [2, 3], data: Uint32Array.of(0, 1, 2, 3, 4, 0xffffffff) }
    const { y } = await evaluate(device.gpu, { labels }, (v) => ({ y: transpose(v.labels!) }))
    expect([...y.data]).toEqual([0, 3, 1, 4, 2, 0xffffffff])
  })

  it('refuses axes that are not a permutation', () => {
    const x = input('x', [2, 3, 4])
    expect(() => transpose(x, [0, 1])).toThrow(
      'transpose: axes [0, 1] must name every axis of x [2, 3, 4] once',
    )
    expect(() => transpose(x, [0, 1, -2])).toThrow('axes [0, 1, 1] must name every axis')
    expect(() => transpose(x, [0, 1, 3])).toThrow('transpose: x [2, 3, 4] has no axis 3')
    const many = input('many', Array<number>(7).fill(2))
    expect(() => transpose(many)).toThrow(
      'transpose: many [2, 2, 2, 2, 2, 2, 2]: 7 axes change places, more than 6',
    )
  })
})
