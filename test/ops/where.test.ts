import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { greater, where } from '../../src/ops/index.js'
import { differentiate, evaluate, useGpu, withBindingLimit } from '../gpu.js'
import { fromArray, map } from '../reference/nd-array.js'
import * as reference from '../reference/where.js'
import { drawFrom, expectReference, expectSameBits, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(31)
const maskOf = (shape: readonly number[]) => map(draw(shape), (value) => (value > 0.2 ? 1 : 0))

/** Shapes of mask, a and b. */
const shapes: readonly (readonly (readonly number[])[])[] = [
  ...extents.map((extent) => [0, 1, 2].map(() => [2, 3, ...extent])),
  [[4097], [4097], [4097]],
  [
    [2, 1, 5, 3, 7],
    [2, 3, 5, 3, 7],
    [1, 3, 1, 1, 1],
  ],
  [[7], [1], [2, 3, 2, 5, 7]],
  [[7, 1], [5], [7, 5]],
  [
    [3, 1, 1],
    [1, 5, 1],
    [1, 1, 7],
  ],
]

describe('where', () => {
  it.each(shapes)('mask %j, a %j, b %j', (...[ofMask, ofA, ofB]) => {
    const [mask, a, b] = [maskOf(ofMask!), draw(ofA!), draw(ofB!)]
    return expectReference(device.gpu, {
      feeds: { mask, a, b },
      build: (v) => where(v.mask!, v.a!, v.b!),
      expected: reference.forward(mask, a, b),
      backward: (g) => {
        const { gradA, gradB } = reference.backward(g, mask, a, b)
        return { a: gradA, b: gradB }
      },
    })
  })

  it('chooses between a value and a number, and between numbers', async () => {
    const [mask, x] = [maskOf([2, 3, 5, 3, 7]), draw([2, 3, 5, 3, 7])]
    const number = fromArray([1], [0.25])
    await expectReference(device.gpu, {
      feeds: { mask, x },
      build: (v) => where(v.mask!, v.x!, 0.25),
      expected: reference.forward(mask, x, number),
      backward: (g) => ({ x: reference.backward(g, mask, x, number).gradA }),
    })
    await expectReference(device.gpu, {
      feeds: { mask, x },
      build: (v) => where(v.mask!, 0.25, v.x!),
      expected: reference.forward(mask, number, x),
      backward: (g) => ({ x: reference.backward(g, mask, number, x).gradB }),
    })
    const { y } = await evaluate(device.gpu, { mask }, (v) => ({ y: where(v.mask!, 2, 3) }))
    expectSameBits(
      y,
      map(mask, (value) => (value === 0 ? 3 : 2)),
      'numbers',
    )
  })

  it('ignores what is not chosen, NaN and infinities too; the mask gets no gradient', async () => {
    const x = fromArray([4], [NaN, 1, Infinity, -2])
    const safe = fromArray([4], [1, 2, 3, 4])
    const mask = fromArray([4], [0, 1, 0, 1])
    const results = await differentiate(
      device.gpu,
      { x, safe, mask },
      ['x', 'safe'],
      fromArray([4], [5, 6, 7, 8]),
      (v) => where(greater(v.mask!, 0), v.x!, v.safe!),
    )
    expect([...results.output!.data]).toEqual([1, 1, 3, -2])
    expect([...results['grad x']!.data]).toEqual([0, 6, 0, 8])
    expect([...results['grad safe']!.data]).toEqual([5, 0, 7, 0])
  })

  it('has the same bits however volumes are cut', async () => {
    const [mask, a, b] = [maskOf([2, 1, 7, 33, 65]), draw([2, 3, 7, 33, 65]), draw([1, 3, 1, 1, 1])]
    const run = () =>
      differentiate(device.gpu, { mask, a, b }, ['a', 'b'], a, (v) => where(v.mask!, v.a!, v.b!))
    const whole = await run()
    const cut = await withBindingLimit(device.gpu, 65536, run)
    for (const [name, array] of Object.entries(whole)) expectSameBits(cut[name]!, array, name)
  })

  it('refuses what does not fit', () => {
    const [x, y] = [input('x', [3]), input('y', [4])]
    expect(() => where(x, y, 0)).toThrow('where: x [3] and y [4] cannot be broadcast to one shape')
    expect(() => where(x, x, y)).toThrow('where: [3] and y [4] cannot be broadcast')
    expect(() => where(input('labels', [3], { dtype: 'u32' }), x, x)).toThrow(
      'where: labels holds u32, not f32',
    )
    const missing = undefined as never
    expect(() => where(missing, x, 0)).toThrow('where: mask: a Value is needed, not undefined')
    expect(() => where(x, 0, missing)).toThrow('where: b: a Value is needed, not undefined')
  })
})
