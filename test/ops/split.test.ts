import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { concat, split } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import * as reference from '../reference/split.js'
import { drawFrom, expectReference } from './check.js'

const device = useGpu()
const draw = drawFrom(37)

describe('split', () => {
  it.each([
    [[7], 0, [2, 5]],
    [[3, 8], 1, [4, 1, 3]],
    [[2, 5, 7, 3, 4], 1, [1, 4]],
    [[2, 5, 7, 3, 4], 2, [3, 3, 1]],
  ])('%j along axis %i into %j', async (shape, axis, sizes) => {
    const x = draw(shape)
    const parts = reference.forward(x, sizes, axis)
    for (const [i, expected] of parts.entries()) {
      await expectReference(device.gpu, {
        feeds: { x },
        build: (v) => split(v.x!, sizes, axis)[i]!,
        expected,
        backward: (g) => ({
          x: reference.backward(
            parts.map(({ shape, data }, k) => (k === i ? g : { shape, data: data.map(() => 0) })),
            axis,
          ).gradInput,
        }),
        tolerance: 0,
      })
    }
  })

  it('into parts of one size, which concat joins', () => {
    const x = input('x', [2, 7, 3])
    expect(split(x, 3).map(({ shape }) => shape[1])).toEqual([3, 3, 1])
    expect(concat(split(x, [2, 1], -1), -1).shape).toEqual([2, 7, 3])
  })

  it('refuses parts that do not fill the axis', () => {
    const x = input('x', [2, 7])
    expect(() => split(x, [3, 3])).toThrow('split: parts of [3, 3] do not fill axis 1 of x [2, 7]')
    expect(() => split(x, 0)).toThrow('split: parts of [0] do not fill')
    expect(() => split(x, [7, 0])).toThrow('do not fill')
    expect(() => split(x, 1, 2)).toThrow('split: x [2, 7] has no axis 2')
  })
})
