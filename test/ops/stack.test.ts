import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { stack } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import * as reference from '../reference/stack.js'
import { drawFrom, expectReference } from './check.js'

const device = useGpu()
const draw = drawFrom(36)

describe('stack', () => {
  it.each([
    [[5], 0],
    [[5], 1],
    [[3, 7], 1],
    [[2, 3, 5, 7], 2],
  ])('three of %j along axis %i', (shape, axis) => {
    const arrays = [draw(shape), draw(shape), draw(shape)]
    const [x, y, z] = arrays as [(typeof arrays)[0], (typeof arrays)[0], (typeof arrays)[0]]
    return expectReference(device.gpu, {
      feeds: { x, y, z },
      build: (v) => stack([v.x!, v.y!, v.z!], axis),
      expected: reference.forward(arrays, axis),
      backward: (g) => {
        const [gx, gy, gz] = reference.backward(g, arrays, axis).gradInputs
        return { x: gx!, y: gy!, z: gz! }
      },
      tolerance: 0,
      flat: ['gradOutput'],
    })
  })

  it('refuses what has no common shape', () => {
    const [a, b] = [input('a', [2, 3]), input('b', [2, 4])]
    expect(stack([a, a], -1).shape).toEqual([2, 3, 2])
    expect(() => stack([])).toThrow('stack: nothing to stack')
    expect(() => stack([a, b])).toThrow('stack: a [2, 3] and b [2, 4] (flat) must be flat, of one shape')
    expect(() => stack([a], 3)).toThrow('has no axis 3')
    const volume = input('x', [1, 1, 2, 3, 4])
    expect(() => stack([volume])).toThrow('x [1, 1, 2, 3, 4] (volume) must be flat')
  })
})
