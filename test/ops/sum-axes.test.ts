import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { mean, sum, type SumOptions } from '../../src/ops/index.js'
import { differentiate, useGpu, withBindingLimit } from '../gpu.js'
import * as reference from '../reference/sum-axes.js'
import { fromArray, map, type NdArray } from '../reference/nd-array.js'
import { drawFrom, expectReference, expectSameBits } from './check.js'

const device = useGpu()
const draw = drawFrom(27)

/** Every choice of axes of a volume but none. */
const choices = Array.from({ length: 31 }, (_, bits) =>
  [0, 1, 2, 3, 4].filter((axis) => ((bits + 1) >> axis) & 1),
)

describe.each([[[2, 3, 5, 7, 11]], [[1, 1, 1, 1, 1]], [[3, 2, 2, 17, 5]]])('sums of %s', (shape) => {
  it.each(choices.map((axes) => [axes]))('over axes %s', async (axes) => {
    const x = draw(shape, 0.5, 2)
    await expectSum(x, { axes })
    await expectSum(x, { axes, keepDims: true })
    await expectSum(x, { axes }, ['x'])
  })
})

describe('sums of flat values', () => {
  it.each([
    [[5], [0]],
    [[7, 300], [0]],
    [[300, 7], [0]],
    [[4, 1000], [1]],
    [
      [2, 3, 4],
      [0, 2],
    ],
  ])('%s over axes %s', async (shape, axes) => {
    await expectSum(draw(shape, 0.5, 2), { axes })
    await expectSum(draw(shape, 0.5, 2), { axes, keepDims: true })
  })
})

it('all axes and none named, axes from the last on', async () => {
  const x = draw([2, 3, 5, 7, 11], 0.5, 2)
  await expectSum(x, { keepDims: true })
  expect(sum(input('x', [2, 3, 5, 7, 11]), { axes: [-1, -4] }).shape).toEqual([2, 5, 7])
  expect(sum(input('x', [2, 3, 5, 7, 11])).shape).toEqual([1])
  const { layout, shape } = sum(input('x', [2, 3, 5, 7, 11]), { axes: [-4], keepDims: true })
  expect({ layout, shape }).toEqual({ layout: 'volume', shape: [2, 1, 5, 7, 11] })
})

it('the mean of everything', () => {
  const x = draw([2, 3, 5, 7, 11], 0.5, 2)
  return expectReference(device.gpu, {
    feeds: { x },
    build: (v) => mean(v.x!),
    expected: fromArray([1], [x.data.reduce((total, value) => total + value, 0) / x.data.length]),
    backward: (g) => ({ x: map(x, () => g.data[0]! / x.data.length) }),
  })
})

it('have the same bits however volumes are cut', async () => {
  const x = draw([2, 3, 7, 33, 65])
  for (const axes of [[1], [0, 2], [2, 3, 4], [0, 3, 4]]) {
    const shape = reference.forward(x, axes).shape
    const run = () =>
      differentiate(device.gpu, { x }, ['x'], map(draw(shape), Math.abs), (v) =>
        sum(v.x!, { axes, keepDims: true }),
      )
    const whole = await run()
    const cut = await withBindingLimit(device.gpu, 65536, run)
    expectSameBits(cut.output!, whole.output!, `over ${axes.join()}`)
  }
})

it('refuses axes that do not exist or are repeated', () => {
  const x = input('x', [1, 2, 3, 4, 5])
  expect(() => sum(x, { axes: [5] })).toThrow('sum: x [1, 2, 3, 4, 5] has no axis 5')
  expect(() => mean(x, { axes: [0.5] })).toThrow('mean: x [1, 2, 3, 4, 5] has no axis 0.5')
  expect(() => sum(x, { axes: [1, -4] })).toThrow('sum: axis -4 is named twice')
})

async function expectSum(x: NdArray, options: SumOptions, flat: readonly string[] = []): Promise<void> {
  const axes = options.axes ?? [...x.shape.keys()]
  const kept = reference.forward(x, axes)
  const rest = x.shape.filter((_, axis) => !axes.includes(axis))
  const shape = options.keepDims ? kept.shape : rest.length > 0 ? rest : [1]
  const count = x.data.length / kept.data.length
  for (const [build, scale] of [
    [sum, 1],
    [mean, 1 / count],
  ] as const) {
    await expectReference(device.gpu, {
      feeds: { x },
      flat: [
        ...flat,
        ...(shape.length === 5 && (!options.keepDims || flat.length > 0) ? ['gradOutput'] : []),
      ],
      build: (v) => build(v.x!, options),
      expected: map(fromArray(shape, kept.data), (value) => scale * value),
      backward: (g) => {
        const { gradInput } = reference.backward({ shape: kept.shape, data: g.data }, x)
        return { x: map(gradInput, (value) => scale * value) }
      },
    })
  }
}
