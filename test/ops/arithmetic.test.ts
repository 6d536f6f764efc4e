import { describe, expect, it } from 'vitest'
import { compile } from '../../src/plan/compile.js'
import { gradients } from '../../src/graph/gradients.js'
import { input, parameter } from '../../src/graph/value.js'
import * as ops from '../../src/ops/arithmetic.js'
import { dot } from '../../src/ops/index.js'
import { differentiate, evaluate, useGpu, withBindingLimit } from '../gpu.js'
import { fromArray, map, maxAbsError, zeros, type NdArray } from '../reference/nd-array.js'
import * as reference from '../reference/arithmetic.js'
import { drawFrom, expectReference, expectSameBits, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(26)
const names = Object.keys(reference.operations) as reference.Name[]

/** Shapes of a and b; of five axes they are volumes unless `flat` names them. */
const pairs: readonly { a: readonly number[]; b: readonly number[]; flat?: readonly string[] }[] = [
  ...extents.map((extent) => ({ a: [2, 3, ...extent], b: [2, 3, ...extent] })),
  { a: [4097], b: [4097] },
  // One channel for all, one image for all, one number a channel, and the other way round.
  { a: [2, 3, 2, 3, 5], b: [2, 1, 2, 3, 5] },
  { a: [2, 3, 2, 3, 5], b: [1, 3, 2, 3, 5] },
  { a: [1, 3, 1, 1, 1], b: [2, 3, 7, 11, 13] },
  { a: [2, 3, 5, 3, 4], b: [1, 3, 1, 1, 1], flat: ['b'] },
  { a: [2, 3, 5, 3, 4], b: [2, 3, 5, 3, 4], flat: ['b'] },
  { a: [2, 3, 5, 3, 4], b: [2, 3, 5, 3, 4], flat: ['a', 'b'] },
  // Both are repeated.
  { a: [2, 1, 5, 3, 1], b: [1, 3, 5, 1, 4] },
  { a: [2, 1, 1, 3, 1], b: [1, 3, 5, 1, 4] },
  // A scalar, rows, matrices.
  { a: [2, 3, 2, 3, 5], b: [1] },
  { a: [1], b: [2, 14, 7, 11, 13] },
  { a: [2, 3, 2, 3, 5], b: [5] },
  { a: [2, 3, 2, 3, 5], b: [2, 1, 1] },
  { a: [7, 5], b: [5] },
  { a: [7, 1], b: [300] },
  { a: [1], b: [1] },
]

describe.each(names)('%s', (name) => {
  for (const { a: shapeA, b: shapeB, flat = [] } of pairs) {
    it(`[${shapeA.join(', ')}] and [${shapeB.join(', ')}]${flat.map((value) => `, ${value} flat`).join('')}`, () => {
      // Away from 0, by which nothing may be divided; and sums of gradients that do not cancel.
      const [a, b] = [draw(shapeA, 0.5, 2), draw(shapeB, 0.5, 2)]
      return expectReference(device.gpu, {
        feeds: { a, b },
        flat: flat.length === 2 ? [...flat, 'gradOutput'] : flat,
        build: (v) => ops[name](v.a!, v.b!),
        expected: reference.forward(name, a, b),
        backward: (g) => {
          const { gradA, gradB } = reference.backward(name, g, a, b)
          return { a: gradA, b: gradB }
        },
        tolerance: 3e-6,
      })
    })
  }

  it.each([[2, 3, 2, 3, 5], [7]])('a number on either side of %s, ...', async (...shape) => {
    const [x, number] = [draw(shape, 0.5, 2), fromArray([1], [Math.fround(-1.7)])]
    await expectReference(device.gpu, {
      feeds: { x },
      build: (v) => ops[name](v.x!, -1.7),
      expected: reference.forward(name, x, number),
      backward: (g) => ({ x: reference.backward(name, g, x, number).gradA }),
    })
    await expectReference(device.gpu, {
      feeds: { x },
      build: (v) => ops[name](-1.7, v.x!),
      expected: reference.forward(name, number, x),
      backward: (g) => ({ x: reference.backward(name, g, number, x).gradB }),
    })
  })
})

describe.each(Object.keys(reference.comparisons) as (keyof typeof reference.comparisons)[])('%s', (name) => {
  // Few levels, so that ties are frequent.
  const levels = (shape: readonly number[]) => map(draw(shape), (value) => Math.round(2 * value) / 2)

  it.each(pairs.filter(({ flat }) => !flat))('of $a and $b', async ({ a: shapeA, b: shapeB }) => {
    const [a, b] = [levels(shapeA), levels(shapeB)]
    const { y } = await evaluate(device.gpu, { a, b }, (v) => ({ y: ops[name](v.a!, v.b!) }))
    expectSameBits(y, reference.compare(name, a, b), name)
  })

  it('of a value and a number, on either side', async () => {
    const [a, half] = [levels([2, 3, 7, 11, 13]), fromArray([1], [0.5])]
    const { right, left } = await evaluate(device.gpu, { a }, (v) => ({
      right: ops[name](v.a!, 0.5),
      left: ops[name](0.5, v.a!),
    }))
    expectSameBits(right, reference.compare(name, a, half), name)
    expectSameBits(left, reference.compare(name, half, a), name)
  })

  it('passes no gradient on', async () => {
    const [a, g] = [levels([7]), levels([7])]
    const results = await differentiate(device.gpu, { a }, ['a'], g, (v) =>
      ops.multiply(ops[name](v.a!, 0), v.a!),
    )
    const mask = reference.compare(name, a, fromArray([1], [0]))
    const expected = map(mask, (value, i) => value * g.data[i]!)
    expect(maxAbsError(results['grad a']!, expected)).toBe(0)
  })
})

it.each(['minimum', 'maximum'] as const)('%s: ties share the gradient, NaN stays', async (name) => {
  const [a, b] = [draw([2, 3, 3, 5, 7]), draw([2, 3, 3, 5, 7])].map((x) =>
    map(x, (value) => Math.round(value)),
  ) as [NdArray, NdArray]
  await expectReference(device.gpu, {
    feeds: { a, b },
    build: (v) => ops[name](v.a!, v.b!),
    expected: reference.forward(name, a, b),
    backward: (g) => {
      const { gradA, gradB } = reference.backward(name, g, a, b)
      return { a: gradA, b: gradB }
    },
  })
  const { y } = await evaluate(
    device.gpu,
    { a: fromArray([5], [NaN, 1, NaN, 1, 2]), b: fromArray([5], [1, NaN, NaN, 2, 1]) },
    (v) => ({ y: ops[name](v.a!, v.b!) }),
  )
  const wanted = name === 'minimum' ? 1 : 2
  expect([...y.data]).toEqual([NaN, NaN, NaN, wanted, wanted])
})

it('has the same bits however volumes are cut', async () => {
  const [a, b] = [draw([2, 3, 7, 33, 65], 0.5, 2), draw([1, 3, 1, 1, 1], 0.5, 2)]
  const run = () =>
    differentiate(
      device.gpu,
      { a, b },
      ['a', 'b'],
      map(a, (value) => value - 1),
      (v) => ops.divide(v.a!, v.b!),
    )
  const whole = await run()
  const cut = await withBindingLimit(device.gpu, 65536, run)
  for (const [name, array] of Object.entries(whole)) expectSameBits(cut[name]!, array, name)
})

it('runs slab by slab', async () => {
  const shape = [1, 3, 9, 5, 7]
  const [x, mask] = [input('x', shape), input('mask', [1, 1, 9, 5, 7])]
  const scale = parameter('scale', [1, 3, 1, 1, 1], Float32Array.of(2, -1, 0.5))
  const y = ops.add(ops.multiply(ops.multiply(x, mask), scale), 0.25)
  const loss = dot(y, y)
  const [dx, dscale] = gradients(loss, [x, scale])
  const feeds = [draw(shape), draw(mask.shape)]
  const results = []
  for (const options of [{}, { slabPlanes: 2 }]) {
    const plan = await compile(device.gpu, { outputs: [dx!, dscale!], report: [loss], ...options })
    try {
      plan.write(x, Float32Array.from(feeds[0]!.data))
      plan.write(mask, Float32Array.from(feeds[1]!.data))
      const [total] = await plan.run()
      results.push({ slabs: plan.slabs, total, dx: await plan.read(dx!), dscale: await plan.read(dscale!) })
    } finally {
      plan.dispose()
    }
  }
  const [atOnce, inSlabs] = results
  expect(inSlabs!.slabs).toBe(5)
  expect({ ...inSlabs, slabs: 1 }).toEqual({ ...atOnce, slabs: 1 })
})

it('has no axes if no operand has any', () => {
  const scalar = input('scalar', [])
  expect(ops.add(scalar, scalar).shape).toEqual([])
  expect(ops.add(scalar, input('row', [3])).shape).toEqual([3])
})

it('refuses shapes that cannot be broadcast, labels, and numbers alone', () => {
  const [a, b] = [input('a', [1, 2, 3, 4, 5]), input('b', [1, 3, 3, 4, 5])]
  expect(() => ops.add(a, b)).toThrow(
    'add: a [1, 2, 3, 4, 5] and b [1, 3, 3, 4, 5] cannot be broadcast to one shape',
  )
  expect(() => ops.divide(a, input('row', [4]))).toThrow('cannot be broadcast')
  expect(() => ops.add(a, input('long', [1, 1, 1, 1, 1, 5]))).toThrow(
    'add: [1, 1, 2, 3, 4, 5] has more than 5 axes',
  )
  expect(() => ops.multiply(a, input('labels', [1, 1, 3, 4, 5], { dtype: 'u32' }))).toThrow(
    'multiply: labels holds u32, not f32',
  )
  expect(() => ops.subtract(1, 2)).toThrow('subtract: one operand must be a value')
  expect(zeros(ops.add(a, input('row', [5])).shape).shape).toEqual([1, 2, 3, 4, 5])
})

it.each(Object.entries({ add: ops.add, less: ops.less, less_equal: ops.lessEqual, maximum: ops.maximum }))(
  '%s names an operand that is not a value',
  (name, apply) => {
    const [x, missing] = [input('x', [2]), undefined as never]
    expect(() => apply(x, missing)).toThrow(`${name}: b: a Value is needed, not undefined`)
    expect(() => apply(missing, 1)).toThrow(`${name}: a: a Value is needed, not undefined`)
  },
)
