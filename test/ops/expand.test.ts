import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { expand } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import * as reference from '../reference/expand.js'
import { drawFrom, expectReference } from './check.js'

const device = useGpu()
const draw = drawFrom(34)

describe('expand', () => {
  it.each([
    [[1], [7]],
    [
      [5, 1],
      [5, 13],
    ],
    [
      [1, 8],
      [3, 8],
    ],
    [
      [3, 1, 5],
      [2, 3, 7, 5],
    ],
    [
      [1, 5, 1, 1, 1],
      [2, 5, 3, 7, 4],
    ],
    [
      [2, 1, 3, 1, 4],
      [2, 5, 3, 7, 4],
    ],
  ])('%j to %j', (from, to) => {
    const x = draw(from)
    return expectReference(device.gpu, {
      feeds: { x },
      build: (v) => expand(v.x!, to),
      expected: reference.forward(x, to),
      backward: (g) => ({ x: reference.backward(g, x).gradInput }),
    })
  })

  it('refuses other shapes', () => {
    const x = input('x', [3, 1])
    expect(expand(x, [3, 1])).toBe(x)
    expect(() => expand(x, [4, 2])).toThrow('expand: x [3, 1] cannot be repeated to [4, 2]')
    expect(() => expand(x, [3])).toThrow('cannot be repeated to [3]')
    expect(() => expand(input('x', [1, 1, 2, 3, 4]), [2, 1, 1, 2, 3, 4])).toThrow('cannot be repeated')
  })
})
