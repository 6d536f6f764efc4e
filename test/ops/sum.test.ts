import { describe, expect, it } from 'vitest'
import { gradients } from '../../src/graph/gradients.js'
import { input, parameter } from '../../src/graph/value.js'
import { amax, dot, mean, softmax, squaredError, sum, weightedSum } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import * as arrays from '../reference/nd-array.js'
import { fromArray, map, relativeError, scalar, type NdArray } from '../reference/nd-array.js'
import * as squared from '../reference/squared-error.js'
import * as sums from '../reference/sum.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(13)

/** Volumes, and flat values about the 64 lanes and 4096 elements of a workgroup. */
const shapes = [
  ...extents.flatMap((extent) => [[1, 1, ...extent], [3, 5, ...extent]]),
  [63], [64], [65], [4095], [4096], [4097], [3, 12345],
] // prettier-ignore

describe.each(shapes.map((shape) => ({ shape })))('sums over $shape', ({ shape }) => {
  // Positive numbers: a sum near 0 has no relative error to speak of.
  const [a, b] = [draw(shape, 0.5, 2), draw(shape, -1, 0.25)]

  it('sum', () =>
    expectReference(device.gpu, {
      feeds: { a },
      build: (v) => sum(v.a!),
      expected: sums.forward(a),
      backward: (gradOutput) => ({ a: sums.backward(gradOutput, a).gradInput }),
    }))

  it('dot', () =>
    expectReference(device.gpu, {
      feeds: { a, b },
      build: (v) => dot(v.a!, v.b!),
      expected: scalar(arrays.dot(a, b)),
      backward: (g) => ({ a: map(b, (x) => x * g.data[0]!), b: map(a, (x) => x * g.data[0]!) }),
    }))

  it('squared error', () =>
    expectReference(device.gpu, {
      feeds: { a, b },
      build: (v) => squaredError(v.a!, v.b!),
      expected: squared.forward(a, b),
      backward: (gradOutput) => {
        const { gradInput, gradTarget } = squared.backward(gradOutput, a, b)
        return { a: gradInput, b: gradTarget }
      },
    }))
})

describe('sums', () => {
  it('of a value with itself count both uses', async () => {
    const a = draw([1, 2, 3, 5, 7])
    await expectReference(device.gpu, {
      feeds: { a },
      build: (v) => dot(v.a!, v.a!),
      expected: scalar(arrays.dot(a, a)),
      backward: (g) => ({ a: map(a, (x) => 2 * x * g.data[0]!) }),
    })
  })

  it('of so many numbers that several workgroups share them', async () => {
    const count = 1_234_567
    // Small whole numbers: f32 sums of the shares are exact, and so are the gradients.
    const whole = (values: NdArray): NdArray => map(values, Math.round)
    const [a, b] = [whole(draw([count], -3, 3)), whole(draw([count], 0, 4))]
    const feeds = { a, b }
    const results = await evaluate(device.gpu, feeds, ({ a, b }) => {
      const loss = weightedSum([{ term: squaredError(a!, b!) }, { term: dot(a!, b!), factor: 0.5 }])
      const [gradA, gradB] = gradients(loss, [a!, b!])
      return { loss, gradA: gradA!, gradB: gradB! }
    })
    const difference = map(a, (x, i) => x - b.data[i]!)
    const expected = arrays.dot(difference, difference) + 0.5 * arrays.dot(a, b)
    expect(relativeError(results.loss, [expected])).toBeLessThanOrEqual(1e-6)
    const gradA = map(difference, (d, i) => 2 * d + 0.5 * b.data[i]!)
    const gradB = map(difference, (d, i) => -2 * d + 0.5 * a.data[i]!)
    expect(relativeError(results.gradA, gradA)).toBe(0)
    expect(relativeError(results.gradB, gradB)).toBe(0)
  })

  it('do not count what a value that lay in the same memory left behind the end', async () => {
    // Softmax over one channel: eight ones, then five in their place. Kernels read vec4s, so three of the eight too.
    const feeds = { eight: draw([1, 1, 2, 2, 2]), five: draw([1, 1, 1, 1, 5]) }
    const sums = await evaluate(device.gpu, feeds, ({ eight, five }) => {
      const before = sum(softmax(eight!))
      const ones = softmax(five!)
      return { before, sum: sum(ones), dot: dot(ones, ones), squared: squaredError(ones, five!) }
    })
    expect([...sums.before.data, ...sums.sum.data, ...sums.dot.data]).toEqual([8, 5, 5])
    const squares = map(feeds.five, (x) => (1 - x) ** 2).data
    expect(relativeError(sums.squared, [squares.reduce((total, x) => total + x, 0)])).toBeLessThan(1e-6)
  })

  it('refuse what are no options, which would be a sum over everything', () => {
    const x = input('x', [2, 3])
    for (const wrong of [1, [1]])
      expect(() => sum(x, wrong as never)).toThrow('sum: give { axes: [...], keepDims }, not 1')
    expect(() => mean(x, { dim: 1 } as never)).toThrow('mean: give { axes: [...], keepDims }, not dim')
    expect(() => amax(x, { axis: 1 } as never)).toThrow('amax: give { axes: [...], keepDims }, not axis')
  })

  it('refuse values of different shapes', () => {
    const [a, b] = [input('a', [1, 2, 3, 4, 5]), parameter('b', [120], new Float32Array(120))]
    const message = 'a [1, 2, 3, 4, 5] and b [120] must have the same shape'
    expect(() => dot(a, b)).toThrow(`dot: ${message}`)
    expect(() => squaredError(a, b)).toThrow(`squared_error: ${message}`)
  })
})

describe('weighted_sum', () => {
  it('adds factor x weight x term; the gradient misses the weights', async () => {
    const feeds = Object.fromEntries(
      [1.5, -2, 3, 0.25, 8].map((value, i) => [`x${i}`, fromArray([1], [value])]),
    )
    await expectReference(device.gpu, {
      feeds,
      build: ({ x0, x1, x2, x3, x4 }) =>
        weightedSum([{ term: x0! }, { term: x1!, factor: -3 }, { term: x2!, factor: 0.5, weight: x3! }, { term: x4!, weight: x3! }, { term: x0!, factor: 2 }]), // prettier-ignore
      expected: scalar(1.5 + 6 + 0.375 + 2 + 3),
      backward: (g) =>
        Object.fromEntries(
          Object.entries({ x0: 3, x1: -3, x2: 0.125, x4: 0.25 }).map(([name, factor]) => [
            name,
            map(g, (value) => factor * value),
          ]),
        ),
    })
  })

  it('has no gradient for a weight', () => {
    const [term, weight] = [input('term', [1]), input('weight', [1])]
    const loss = weightedSum([{ term, weight }])
    expect(() => gradients(loss, [weight])).toThrow('weighted_sum does not depend on weight')
  })

  it('refuses no terms, and terms or weights that are not scalars', () => {
    const [scalarTerm, vector] = [input('s', [1]), input('v', [2])]
    expect(() => weightedSum([])).toThrow('no terms')
    expect(() => weightedSum([{ term: vector }])).toThrow('v [2] is not a scalar')
    expect(() => weightedSum([{ term: scalarTerm, weight: vector }])).toThrow('v [2] is not a scalar')
  })
})
