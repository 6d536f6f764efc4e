import { describe, expect, it } from 'vitest'
import * as ops from '../../src/ops/activation.js'
import { differentiate, evaluate, useGpu } from '../gpu.js'
import { fromArray, map, maxAbsError, type NdArray } from '../reference/nd-array.js'
import * as reference from '../reference/activation.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(15)

const names = Object.keys(reference.activations) as reference.Name[]
/** Where a function is defined, away from poles. */
const lowest = (name: reference.Name): number => (name === 'log' || name === 'sqrt' ? 0.05 : -6)

describe.each(names)('%s', (name) => {
  for (const shape of [...extents.map((extent) => [2, 3, ...extent]), [4097]]) {
    it(`[${shape.join(', ')}]`, () => expectActivation(name, draw(shape, lowest(name), 6)))
  }

  // Every element by itself: a norm would not see what happens where results are small.
  it('is accurate from -80 to 80, and at numbers near 0', async () => {
    const sizes = [0, 1e-30, 1e-6, 1e-3, 0.1, 0.3, 0.34, 0.36, 0.5, 1, 1.5, 2.7, 4, 5.5, 9, 12, 20, 40, 80]
    const x = map(
      fromArray(
        [2 * sizes.length],
        sizes.flatMap((size) => [size, -size]),
      ),
      (value) => Math.fround(lowest(name) > 0 ? Math.abs(value) + 1e-30 : value),
    )
    const results = await differentiate(
      device.gpu,
      { x },
      ['x'],
      map(x, () => 1),
      (v) => ops[name](v.x!),
    )
    expectEach(results.output!, reference.forward(name, x), x, 'output')
    const { gradInput } = reference.backward(
      name,
      map(x, () => 1),
      x,
    )
    expectEach(results['grad x']!, gradInput, x, 'gradient')
  })
})

it('the logarithm of 0 is -infinity, of negative numbers NaN', async () => {
  const x = fromArray([5], [0, -1, -1e-3, 1, Infinity])
  const { y } = await evaluate(device.gpu, { x }, (v) => ({ y: ops.log(v.x!) }))
  expect([...y.data]).toEqual([-Infinity, NaN, NaN, 0, Infinity])
})

it.each(names)('%s of NaN is NaN', async (name) => {
  const x = fromArray([8], [NaN, 1, NaN, NaN, 2, 1, NaN, 1])
  for (const length of [8, 7]) {
    const some = fromArray([length], [...x.data].slice(0, length))
    const { y } = await evaluate(device.gpu, { x: some }, (v) => ({ y: ops[name](v.x!) }))
    expect([...y.data].map(Number.isNaN)).toEqual([...some.data].map(Number.isNaN))
  }
})

it('far from 0 nothing overflows', async () => {
  const x = fromArray([4], [1000, -1000, 1e30, -1e30].map(Math.fround))
  for (const name of ['leakyRelu', 'gelu', 'silu', 'sigmoid', 'tanh', 'softplus', 'elu'] as const) {
    const results = await differentiate(
      device.gpu,
      { x },
      ['x'],
      map(x, () => 1),
      (v) => ops[name](v.x!),
    )
    const { gradInput } = reference.backward(
      name,
      map(x, () => 1),
      x,
    )
    expect(maxAbsError(results['grad x']!, gradInput), name).toBeLessThanOrEqual(1e-7)
    const scaled = (array: NdArray) => map(array, (value, i) => value / Math.abs(x.data[i]!))
    const expected = scaled(reference.forward(name, x))
    expect(maxAbsError(scaled(results.output!), expected), name).toBeLessThanOrEqual(1e-7)
  }
})

it('another slope, another alpha', async () => {
  const x = draw([2, 3, 3, 5, 7], -4, 4)
  const sides = (left: (x: number) => number, slope: (x: number) => number) => ({
    expected: map(x, (value) => (value > 0 ? value : left(value))),
    backward: (g: NdArray) => ({
      x: map(g, (grad, i) => (x.data[i]! > 0 ? grad : grad * slope(x.data[i]!))),
    }),
  })
  await expectReference(device.gpu, {
    feeds: { x },
    build: (v) => ops.leakyRelu(v.x!, 0.25),
    ...sides(
      (value) => 0.25 * value,
      () => 0.25,
    ),
  })
  await expectReference(device.gpu, {
    feeds: { x },
    build: (v) => ops.elu(v.x!, 1.5),
    ...sides(
      (value) => 1.5 * Math.expm1(value),
      (value) => 1.5 * Math.exp(value),
    ),
  })
})

const expectActivation = (name: reference.Name, x: NdArray): Promise<void> =>
  expectReference(device.gpu, {
    feeds: { x },
    build: (v) => ops[name](v.x!),
    expected: reference.forward(name, x),
    backward: (g) => ({ x: reference.backward(name, g, x).gradInput }),
  })

/** Within 1e-6 of the expected number, rounding errors of x^2 in e^(-x^2) granted, or below what f32 holds. */
function expectEach(actual: NdArray, expected: NdArray, x: NdArray, what: string): void {
  expected.data.forEach((value, i) => {
    const allowed = Math.abs(value) * (1e-6 + 1e-7 * x.data[i]! ** 2) + 2e-37
    const error = Math.abs(actual.data[i]! - value)
    expect(error <= allowed, `${what} at ${x.data[i]}: ${actual.data[i]}, not ${value}`).toBe(true)
  })
}
