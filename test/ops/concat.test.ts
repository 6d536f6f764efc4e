import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { concat } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import type { NdArray } from '../reference/nd-array.js'
import * as reference from '../reference/concat.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(4)

describe('concat', () => {
  for (const [batch, ...channels] of [
    [1, 1],
    [2, 3, 1, 14],
    [3, 4, 4],
    [1, 65, 2],
  ])
    // prettier-ignore
    for (const extent of extents) {
      it(`batch ${batch!}, ${channels.join(' + ')} channels of ${extent.join('x')}`, () =>
        expectJoined(channels.map((count) => draw([batch!, count, ...extent])), 1))
    }

  it.each([
    [[7], [3], [5], [1]],
    [[2, 9, 4], [4], [12]],
    [[2, 3, 5, 7, 4], [1], [2], [3]],
    [[2, 3, 5, 7, 4], [4], [1]],
  ])('[%j] along each axis', async (shape, ...sizes) => {
    for (const axis of shape.keys())
      await expectJoined(
        sizes.map(([size]) => draw(shape.with(axis, size!))),
        axis,
      )
  })

  it('flat values of five axes, labels, and a value with itself along depth', async () => {
    await expectJoined([draw([2, 3, 5, 7, 4]), draw([2, 3, 1, 7, 4])], 2, true)
    const [x, y] = [Uint32Array.of(1, 0xffffffff), Uint32Array.of(7)].map((data) => ({
      shape: [data.length],
      data,
    }))
    const joined = await evaluate(device.gpu, { x: x!, y: y! }, (v) => ({ z: concat([v.x!, v.y!], 0) }))
    expect([...joined.z.data]).toEqual([1, 0xffffffff, 7])
    const volume = draw([2, 3, 5, 7, 4])
    await expectReference(device.gpu, {
      feeds: { x: volume },
      build: (v) => concat([v.x!, v.x!], 2),
      expected: reference.forward([volume, volume], 2),
      backward: (g) => {
        const [first, second] = reference.backward(g, [volume, volume], 2).gradInputs
        return { x: { shape: volume.shape, data: first!.data.map((value, i) => value + second!.data[i]!) } }
      },
    })
  })

  it('refuses nothing, and values of other extents', () => {
    expect(() => concat([])).toThrow('nothing to concatenate')
    const [a, b] = [input('a', [1, 2, 3, 4, 5]), input('b', [1, 2, 3, 4, 6])]
    expect(() => concat([a, b])).toThrow('a [1, 2, 3, 4, 5] and b [1, 2, 3, 4, 6] differ in more than axis 1')
    expect(concat([a, b], -1).shape).toEqual([1, 2, 3, 4, 11])
    expect(() => concat([a, b], 5)).toThrow('concat: a [1, 2, 3, 4, 5] has no axis 5')
    const flat = input('flat', [1, 2, 3, 4, 5], { layout: 'flat' })
    expect(() => concat([a, flat])).toThrow(
      'a [1, 2, 3, 4, 5] is f32 (volume), flat [1, 2, 3, 4, 5] is f32 (flat)',
    )
  })
})

function expectJoined(arrays: readonly NdArray[], axis: number, flat = false): Promise<void> {
  const names = arrays.map((_, i) => `x${i}`)
  return expectReference(device.gpu, {
    feeds: Object.fromEntries(arrays.map((array, i) => [`x${i}`, array])),
    build: (v) => concat(names.map((name) => v[name]!), axis), // prettier-ignore
    expected: reference.forward(arrays, axis),
    backward: (gradOutput) => {
      const { gradInputs } = reference.backward(gradOutput, arrays, axis)
      return Object.fromEntries(gradInputs.map((gradient, i) => [`x${i}`, gradient]))
    },
    tolerance: 0,
    flat: flat ? [...names, 'gradOutput'] : [],
  })
}
