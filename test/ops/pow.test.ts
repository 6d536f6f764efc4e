import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { pow } from '../../src/ops/index.js'
import { differentiate, useGpu } from '../gpu.js'
import { fromArray, map } from '../reference/nd-array.js'
import * as reference from '../reference/pow.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(33)

const shapes = [...extents.map((extent) => [2, 3, ...extent]), [4097]]

describe('pow', () => {
  for (const shape of shapes) {
    it.each([0, 1, 2, 3, -1, -2, 7, 0.5, 1.7, -0.3, 17])(`[${shape.join(', ')}] to the power of %s`, (n) => {
      const [x, b] = [draw(shape, 0.3, 3), fromArray([1], [Math.fround(n)])]
      return expectReference(device.gpu, {
        feeds: { x },
        build: (v) => pow(v.x!, n),
        expected: reference.forward(x, b),
        backward: (g) => ({ x: reference.backward(g, x, b).gradA }),
        tolerance: 2e-6,
      })
    })

    it(`[${shape.join(', ')}] to a power for each element, and a number to that power`, async () => {
      const [a, b, base] = [draw(shape, 0.3, 3), draw(shape, -2, 2), fromArray([1], [2.5])]
      await expectReference(device.gpu, {
        feeds: { a, b },
        build: (v) => pow(v.a!, v.b!),
        expected: reference.forward(a, b),
        backward: (g) => {
          const { gradA, gradB } = reference.backward(g, a, b)
          return { a: gradA, b: gradB }
        },
        tolerance: 2e-6,
      })
      await expectReference(device.gpu, {
        feeds: { b },
        build: (v) => pow(2.5, v.b!),
        expected: reference.forward(base, b),
        backward: (g) => ({ b: reference.backward(g, base, b).gradB }),
        tolerance: 2e-6,
      })
    })
  }

  it('of an exponent for each channel', () => {
    const [a, b] = [draw([2, 3, 2, 3, 5], 0.3, 3), draw([1, 3, 1, 1, 1], -2, 2)]
    return expectReference(device.gpu, {
      feeds: { a, b },
      build: (v) => pow(v.a!, v.b!),
      expected: reference.forward(a, b),
      backward: (g) => {
        const { gradA, gradB } = reference.backward(g, a, b)
        return { a: gradA, b: gradB }
      },
      tolerance: 2e-6,
    })
  })

  it.each([2, 3, 17, 18, 0, -3, 0.5, -1.5])('of numbers of any sign and 0 to the power of %s', async (n) => {
    const x = fromArray([6], [-2, -0.5, 0, 0.5, 1, 2])
    const g = map(x, () => 1)
    const results = await differentiate(device.gpu, { x }, ['x'], g, (v) => pow(v.x!, n))
    const b = fromArray([1], [n])
    for (const [actual, expected] of [
      [results.output!, reference.forward(x, b)],
      [results['grad x']!, reference.backward(g, x, b).gradA],
    ] as const)
      expected.data.forEach((value, i) => {
        const found = actual.data[i]!
        const same = Object.is(found, value) || Math.abs(found - value) <= 3e-6 * Math.abs(value)
        expect(same || (value === 0 && found === 0), `at ${x.data[i]}: ${found}, not ${value}`).toBe(true)
      })
  })

  it('refuses numbers alone, and a base or an exponent of no use', () => {
    const x = input('x', [3])
    expect(() => pow(2, 3)).toThrow('pow: one operand must be a value')
    expect(() => pow(-2, x)).toThrow('pow: the base must be positive, not -2')
    expect(() => pow(x, Infinity)).toThrow('pow: the exponent is Infinity')
  })
})
