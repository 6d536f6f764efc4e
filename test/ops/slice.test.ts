import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { slice, type SliceOptions } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import * as reference from '../reference/slice.js'
import { drawFrom, expectReference } from './check.js'

const device = useGpu()
const draw = drawFrom(33)

describe('slice', () => {
  const volume = [2, 5, 7, 11, 8]
  const all = (shape: readonly number[]): reference.Range[] => shape.map((extent) => [0, extent, 1])
  const along = (shape: readonly number[], axis: number, range: reference.Range) =>
    all(shape).with(axis, range)
  const cases: [shape: readonly number[], options: SliceOptions, ranges: reference.Range[], flat?: boolean][] = [
    [[13], { starts: [3], ends: [11], steps: [3] }, [[3, 11, 3]]],
    [[13], { starts: [-1], ends: [-Infinity], steps: [-4] }, [[12, -1, -4]]],
    [[7, 12], { starts: [4], ends: [8], axes: [-1] }, along([7, 12], 1, [4, 8, 1])],
    [[7, 12], { starts: [2, 0], ends: [100, -1] }, [[2, 7, 1], [0, 11, 1]]],
    // Along each axis of a volume, then along all.
    ...[0, 1, 2, 3, 4].map((axis): [readonly number[], SliceOptions, reference.Range[]] => [
      volume,
      { starts: [1], axes: [axis] },
      along(volume, axis, [1, volume[axis]!, 1]),
    ]),
    [volume, { starts: [4], ends: [8], axes: [4] }, along(volume, 4, [4, 8, 1])],
    [volume, { starts: [1], steps: [2], axes: [2] }, along(volume, 2, [1, 7, 2])],
    [volume, { starts: [Infinity], steps: [-1], axes: [2] }, along(volume, 2, [6, -1, -1])],
    [volume, { starts: [Infinity], steps: [-2], axes: [1] }, along(volume, 1, [4, -1, -2])],
    [
      volume,
      { starts: [1, 3, 5, 9, 1], ends: [2, 0, 2, 1, 8], steps: [5, -2, -1, -3, 3] },
      [[1, 2, 5], [3, 0, -2], [5, 2, -1], [9, 1, -3], [1, 8, 3]],
    ],
    [volume, { starts: [1, 2], ends: [4, 7], steps: [2, 1], axes: [1, 4] }, [[0, 2, 1], [1, 4, 2], [0, 7, 1], [0, 11, 1], [2, 7, 1]], true],
  ] // prettier-ignore
  it.each(cases)('of %j: %j', (shape, options, ranges, flat = false) => {
    const x = draw(shape)
    return expectReference(device.gpu, {
      feeds: { x },
      build: (v) => slice(v.x!, options),
      expected: reference.forward(x, ranges),
      backward: (g) => ({ x: reference.backward(g, x, ranges).gradInput }),
      tolerance: 0,
      flat: flat ? ['x', 'gradOutput'] : [],
    })
  })

  it('takes labels', async () => {
    const labels = { shape: [6], data: Uint32Array.of(0, 1, 2, 3, 4, 0xffffffff) }
    const { y } = await evaluate(device.gpu, { labels }, (v) => ({
      y: slice(v.labels!, { starts: [1], steps: [2] }),
    }))
    expect([...y.data]).toEqual([1, 3, 0xffffffff])
  })

  it('returns the input if it takes everything', () => {
    const x = input('x', [4, 5])
    expect(slice(x, { starts: [0, -5], ends: [4, 99] })).toBe(x)
  })

  it('refuses what leaves nothing, or does not fit', () => {
    const x = input('x', [4, 5])
    expect(() => slice(x, { starts: [3], ends: [3] })).toThrow(
      'slice: nothing is left of axis 0 of x [4, 5] from 3 to 3 in steps of 1',
    )
    expect(() => slice(x, { starts: [4] })).toThrow('nothing is left of axis 0')
    expect(() => slice(x, { starts: [0, 0, 0] })).toThrow('slice: x [4, 5] has no axis 2')
    expect(() => slice(x, { starts: [0, 1], axes: [1, -1] })).toThrow('slice: axis 1 is named twice')
    expect(() => slice(x, { starts: [0, 1], ends: [1] })).toThrow('slice: 2 starts, but 1 ends')
    expect(() => slice(x, { starts: [0], steps: [0] })).toThrow('a step must be a whole number other than 0')
    expect(() => slice(x, { starts: [0.5] })).toThrow('a start or an end must be a whole number, not 0.5')
  })
})
