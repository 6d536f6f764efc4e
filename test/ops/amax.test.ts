import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { amax, amin } from '../../src/ops/index.js'
import { differentiate, useGpu, withBindingLimit } from '../gpu.js'
import * as reference from '../reference/amax.js'
import { fromArray, map, type NdArray } from '../reference/nd-array.js'
import { drawFrom, expectReference, expectSameBits } from './check.js'

const device = useGpu()
const draw = drawFrom(41)

/** Every choice of axes of a volume, none included. */
const choices = Array.from({ length: 32 }, (_, bits) => [0, 1, 2, 3, 4].filter((axis) => (bits >> axis) & 1))

describe.each([[[2, 3, 5, 7, 11]], [[1, 1, 1, 1, 1]], [[3, 2, 2, 17, 5]]])('of %s', (shape) => {
  it.each(choices.map((axes) => [axes]))('over axes %s', async (axes) => {
    for (const x of [draw(shape, -2, -1), map(draw(shape, -2, 2), Math.round)]) {
      await expectLargest(x, axes, false)
      await expectLargest(x, axes, true)
    }
  })
})

it.each([
  [[5], [0]],
  [[7, 300], [0]],
  [[4, 1000], [1]],
  [
    [2, 3, 4],
    [0, -1],
  ],
])('of the flat value %s over axes %s', async (shape, axes) => {
  await expectLargest(draw(shape, -2, 2), axes, false)
  await expectLargest(draw(shape, -2, 2), axes, true)
})

it('takes all axes if none are named', async () => {
  const x = draw([2, 3, 5, 7, 11], -2, 2)
  const at = x.data.indexOf(Math.max(...x.data))
  await expectReference(device.gpu, {
    feeds: { x },
    build: (v) => amax(v.x!),
    expected: fromArray([1], [x.data[at]!]),
    backward: (g) => ({ x: map(x, (_, i) => (i === at ? g.data[0]! : 0)) }),
  })
  const { layout, shape } = amin(input('x', [2, 3, 5, 7, 11]), { axes: [-4], keepDims: true })
  expect({ layout, shape }).toEqual({ layout: 'volume', shape: [2, 1, 5, 7, 11] })
})

it('has the same bits however volumes are cut', async () => {
  const x = draw([2, 3, 7, 33, 65])
  for (const axes of [[1], [0, 2], [2, 3, 4], [0, 3, 4]]) {
    const { shape } = reference.forward(x, axes)
    const run = () =>
      differentiate(device.gpu, { x }, ['x'], draw(shape), (v) => amax(v.x!, { axes, keepDims: true }))
    const whole = await run()
    const cut = await withBindingLimit(device.gpu, 65536, run)
    expectSameBits(cut.output!, whole.output!, `over ${axes.join()}`)
  }
})

it('refuses axes that do not exist or are repeated, and labels', () => {
  const x = input('x', [1, 2, 3, 4, 5])
  expect(() => amax(x, { axes: [5] })).toThrow('amax: x [1, 2, 3, 4, 5] has no axis 5')
  expect(() => amin(x, { axes: [0.5] })).toThrow('amin: ')
  expect(() => amax(x, { axes: [1, -4] })).toThrow('amax: axis -4 is named twice')
  expect(() => amax(input('labels', [2, 3], { dtype: 'u32' }))).toThrow('amax')
})

async function expectLargest(x: NdArray, given: readonly number[], keepDims: boolean): Promise<void> {
  const axes = given.map((axis) => (axis < 0 ? axis + x.shape.length : axis))
  for (const [op, sign] of [
    [amax, 1],
    [amin, -1],
  ] as const) {
    const turned = map(x, (value) => sign * value)
    const kept = reference.forward(turned, axes)
    const rest = x.shape.filter((_, axis) => !axes.includes(axis))
    const shape = keepDims ? kept.shape : rest.length > 0 ? rest : [1]
    await expectReference(device.gpu, {
      feeds: { x },
      flat: shape.length === 5 && !keepDims ? ['gradOutput'] : [],
      build: (v) => op(v.x!, { axes: given, keepDims }),
      expected: map(fromArray(shape, kept.data), (value) => sign * value),
      backward: (g) => ({
        x: reference.backward({ shape: kept.shape, data: g.data }, turned, axes).gradInput,
      }),
    })
  }
}
