import { describe, expect, it } from 'vitest'
import { gradients } from '../../src/graph/gradients.js'
import { compile } from '../../src/plan/compile.js'
import { input, parameter, type Value } from '../../src/graph/value.js'
import { accumulate } from '../../src/graph/accumulate.js'
import {
  argmax,
  conv3d,
  dot,
  maxPool3d,
  softmax,
  squaredError,
  sum,
  weightedSum,
} from '../../src/ops/index.js'
import { evaluate, useGpu, type Feeds } from '../gpu.js'
import { fromArray, map, maxAbsError, relativeError, type NdArray } from '../reference/nd-array.js'
import { drawFrom } from '../ops/check.js'

const device = useGpu()
const draw = drawFrom(21)
const times = (term: Value, factor: number): Value => weightedSum([{ term, factor }])

/** Gradients of a loss with respect to every feed. */
async function differentiate(
  feeds: Feeds,
  loss: (values: Record<string, Value>) => Value,
): Promise<Record<string, NdArray>> {
  return evaluate(device.gpu, feeds, (values) => {
    const names = Object.keys(feeds)
    const grads = gradients(
      loss(values),
      names.map((name) => values[name]!),
    )
    return Object.fromEntries(names.map((name, i) => [name, grads[i]!]))
  })
}

describe('gradients', () => {
  const a = draw([1, 2, 3, 3, 5])

  it('count a value used twice by one op twice', async () => {
    const { a: gradient } = await differentiate({ a }, (v) => dot(v.a!, v.a!))
    expect(
      relativeError(
        gradient!,
        map(a, (x) => 2 * x),
      ),
    ).toBeLessThan(1e-6)
  })

  it('add up over all the uses of a value', async () => {
    const { a: gradient } = await differentiate({ a }, ({ a }) =>
      weightedSum([{ term: sum(a!) }, { term: dot(a!, a!), factor: 3 }, { term: sum(a!), factor: 10 }]),
    )
    expect(
      relativeError(
        gradient!,
        map(a, (x) => 11 + 6 * x),
      ),
    ).toBeLessThan(1e-6)
  })

  it('visit the tip of a diamond once, after both of its sides', async () => {
    // x -> y = 3x -> (2y, 5y) -> their sum, and y itself: d/dx = 3 (2 + 5 + 1).
    const { x } = await differentiate({ x: fromArray([1], [4]) }, ({ x }) => {
      const y = times(x!, 3)
      return weightedSum([{ term: times(y, 2) }, { term: times(y, 5) }, { term: y }])
    })
    expect([...x!.data]).toEqual([24])
  })

  it('stay linear in the length of a ladder of diamonds', async () => {
    // Each rung doubles the number of paths: 2^60 of them, one node each.
    const { x } = await differentiate({ x: fromArray([1], [1]) }, ({ x }) => {
      let y = x!
      for (let i = 0; i < 60; i++) y = times(accumulate(y, y), 0.5)
      return y
    })
    expect([...x!.data]).toEqual([1])
  })

  it('go through 2000 ops without running out of stack', async () => {
    const { x } = await differentiate({ x: fromArray([1], [1]) }, ({ x }) => {
      let y = x!
      for (let i = 0; i < 2000; i++) y = times(y, i % 2 === 0 ? 4 : 0.25)
      return times(y, 3)
    })
    expect([...x!.data]).toEqual([3])
  })

  it('with respect to a value within the graph, the same value twice, and the loss itself', async () => {
    const results = await evaluate(device.gpu, { a }, ({ a }) => {
      const pooled = maxPool3d(a!)
      const loss = dot(pooled, pooled)
      const [first, second, whole] = gradients(loss, [pooled, pooled, loss])
      return { pooled, first: first!, second: second!, whole: whole! }
    })
    const expected = map(results.pooled, (x) => 2 * x)
    expect(relativeError(results.first, expected)).toBeLessThan(1e-6)
    expect(relativeError(results.second, expected)).toBeLessThan(1e-6)
    expect([...results.whole.data]).toEqual([1])
  })

  it('of a loss that is a volume of one voxel', async () => {
    const x = draw([1, 3, 1, 1, 1])
    const w = draw([1, 3, 1, 1, 1])
    const { gradient } = await evaluate(
      device.gpu,
      { x, w },
      (v) => ({ gradient: gradients(conv3d(v.x!, v.w!, undefined, { padding: 'same' }), [v.x!])[0]! }),
      ['w'],
    )
    expect(relativeError(gradient, w)).toBeLessThan(1e-6)
  })
})

describe('gradients refuse', () => {
  const x = input('x', [1, 2, 2, 2, 2])

  it('a loss that is not a scalar', () => {
    expect(() => gradients(softmax(x), [x])).toThrow('softmax must be a scalar, not [1, 2, 2, 2, 2]')
  })

  it('what is not a value', () => {
    const refused = (loss: unknown, wanted: unknown) => () => gradients(loss as never, wanted as never)
    expect(refused(undefined, [x])).toThrow('gradients: loss: a Value is needed, not undefined')
    expect(refused([sum(x)], [x])).toThrow('gradients: loss: a Value is needed, not an Array')
    expect(refused(sum(x), x)).toThrow('gradients: wanted: a list of values is needed, not a Value')
    expect(refused(sum(x), [x, undefined])).toThrow('gradients: wanted[1]: a Value is needed, not undefined')
    expect(() => dot(x, undefined as never)).toThrow('dot: a Value is needed, not undefined')
  })

  it('a value that the loss does not depend on', () => {
    const other = input('other', [1])
    expect(() => gradients(sum(x), [x, other])).toThrow('sum does not depend on other')
  })

  it('a value that the loss depends on only through a path without gradient', () => {
    const term = input('term', [1])
    expect(() => gradients(weightedSum([{ term, weight: sum(x) }]), [x])).toThrow('does not depend on x')
  })

  it('an op without one', () => {
    const loss = sum(argmax(x))
    expect(() => gradients(loss, [x])).toThrow('argmax has no gradient')
  })

  it('second derivatives', () => {
    const [first] = gradients(dot(x, x), [x])
    expect(() => gradients(dot(first!, x), [x])).toThrow('dot backward has no gradient')
  })
})

describe('what a plan leaves out', () => {
  const length = async (outputs: readonly Value[]): Promise<number> => {
    const plan = await compile(device.gpu, { outputs })
    plan.dispose()
    return plan.length
  }

  it('ops that no output needs', async () => {
    const x = input('x', [1, 2, 4, 4, 4])
    const pooled = maxPool3d(x)
    const alone = await length([pooled])
    softmax(pooled)
    squaredError(pooled, pooled)
    gradients(sum(pooled), [x])
    expect(await length([pooled])).toBe(alone)
    expect(alone).toBe(1)
  })

  it('gradients of weights if only that of the input is wanted', async () => {
    const x = input('x', [1, 2, 3, 3, 3])
    const w = parameter('w', [2, 2, 3, 3, 3], new Float32Array(108).fill(0.1))
    const loss = sum(conv3d(x, w, undefined, { padding: 'same' }))
    // The gradient of the sum, packing the weights, the convolution; the forward pass is not needed at all.
    const forInput = await length(gradients(loss, [x]))
    expect(forInput).toBe(3)
    expect(await length(gradients(loss, [x, w]))).toBeGreaterThan(forInput)
  })

  it('nothing at all if an output is an input', async () => {
    const x = input('x', [3])
    expect(await length([x])).toBe(0)
    const { y } = await evaluate(device.gpu, { y: fromArray([3], [1, 2, 3]) }, (v) => ({ y: v.y! }))
    expect(maxAbsError(y, [1, 2, 3])).toBe(0)
  })
})
