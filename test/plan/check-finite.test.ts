/** Finding the first NaN or infinity of a graph. */
import { describe, expect, it } from 'vitest'
import { inLayer } from '../../src/graph/layer.js'
import { constant, input, parameter } from '../../src/graph/value.js'
import {
  conv3d,
  convTranspose3d,
  divide,
  instanceNorm,
  log,
  maxPool3d,
  multiply,
  relu,
  softmax,
  square,
  sum,
} from '../../src/ops/index.js'
import { Adam } from '../../src/optim/index.js'
import { checkFinite } from '../../src/plan/check-finite.js'
import { Variables } from '../../src/plan/variables.js'
import { needHalves, useGpu } from '../gpu.js'

const device = useGpu()
const shape = [1, 2, 4, 4, 4]
const x = input('x', shape)
const ramp = Float32Array.from({ length: 128 }, (_, i) => 0.1 + i / 128)
const fill = (...extents: number[]) => new Float32Array(extents.reduce((a, b) => a * b, 1)).fill(0.1)

function network(first: Float32Array = fill(2, 2, 3, 3, 3)) {
  const w = parameter('stem.weight', [2, 2, 3, 3, 3], first)
  const v = parameter('head.weight', [2, 2], fill(2, 2))
  const a = conv3d(x, w, undefined, { padding: 'same', activation: 'relu' })
  const y = softmax(conv3d(maxPool3d(a), v))
  return { w, v, a, loss: sum(square(y)) }
}

const spoilt = (at: number, number: number, from: Float32Array = ramp) =>
  from.map((value, i) => (i === at ? number : value))

it('says nothing of a graph that is finite, and leaves variables and steps as they are', async () => {
  const { w, v, loss } = network()
  const variables = new Variables(device.gpu)
  const adam = new Adam([w, v])
  const found = await checkFinite(device.gpu, {
    outputs: [],
    report: [loss],
    effects: adam.minimise(loss),
    variables,
    inputs: new Map([[x, ramp]]),
  })
  expect(found).toBeUndefined()
  expect(await variables.read(w)).toEqual(fill(2, 2, 3, 3, 3))
  expect(variables.stepsOf(adam.schedule)).toBe(0)
  variables.dispose()
})

it('finds an input', async () => {
  const { loss } = network()
  const inputs = new Map([[x, spoilt(66, NaN)]])
  const found = await checkFinite(device.gpu, { outputs: [loss], inputs })
  expect(found).toMatchObject({ value: x, op: undefined, at: [0, 1, 0, 0, 2], count: 1, number: NaN })
  expect(found!.message).toBe(
    'the input x [1, 2, 4, 4, 4] holds NaN, first at [0, 1, 0, 0, 2] (1 of 128 numbers)',
  )
})

it('finds a weight whose NaN the ReLU behind it may hide', async () => {
  const { loss } = network(spoilt(3, NaN, fill(2, 2, 3, 3, 3)))
  const found = await checkFinite(device.gpu, { outputs: [loss], inputs: new Map([[x, ramp]]) })
  expect(found).toMatchObject({ op: undefined, layer: 'stem' })
  expect(found!.message).toMatch(
    /^the variable stem\.weight \[2, 2, 3, 3, 3\] holds NaN, first at \[0, 0, 0, 1, 0\]/,
  )
})

describe('finds the node that makes the first one', () => {
  it('before an activation, which may hide it', async () => {
    // Finite weights and inputs whose sum is infinity minus infinity.
    const big = parameter('big.weight', [1, 2], Float32Array.of(3e38, -3e38))
    const plain = inLayer('stem', () => conv3d(x, big, undefined, { activation: 'relu' }))
    const general = inLayer('stem', () => conv3d(x, big, undefined, { activation: 'relu', stride: 2 }))
    const transposed = inLayer('stem', () =>
      convTranspose3d(x, parameter('t.weight', [2, 1], Float32Array.of(3e38, -3e38)), undefined, {
        activation: 'relu',
      }),
    )
    // The lower half of its numbers falls to minus infinity.
    const normalised = inLayer('stem', () => {
      const weight = parameter('n.weight', [2], Float32Array.of(3e38, 3e38))
      const bias = parameter('n.bias', [2], Float32Array.of(-3e38, -3e38))
      return instanceNorm(x, { weight, bias, activation: 'relu' })
    })
    for (const y of [plain, general, transposed, normalised]) {
      const numbers = y === normalised ? ramp : new Float32Array(128).fill(10)
      const inputs = new Map([[x, numbers]])
      const found = await checkFinite(device.gpu, { outputs: [sum(y)], inputs })
      expect(found).toMatchObject({ op: y.node!.op, layer: 'stem' })
      expect(found!.message).toMatch(
        /^stem: \w+: its result before the activation, .* holds (NaN|-?Infinity)/,
      )
    }
  })

  it('in order, however few values are looked at at once', async () => {
    const zero = constant('zero', [1], Float32Array.of(0))
    const y = inLayer('middle', () => divide(relu(x), zero))
    const z = multiply(log(y), 0)
    for (const bytesAtOnce of [1, 600, 5e8]) {
      const found = await checkFinite(device.gpu, { outputs: [z], inputs: new Map([[x, ramp]]), bytesAtOnce })
      expect(found).toMatchObject({ value: y, layer: 'middle', number: Infinity, count: 128 })
    }
  })

  it('in a gradient', async () => {
    const w = parameter('w', [1], Float32Array.of(0))
    // Nobody wants the loss, so that its gradient is the first to fail.
    const loss = sum(log(multiply(w, 1)))
    const found = await checkFinite(device.gpu, {
      outputs: [],
      effects: new Adam([w]).minimise(loss),
      inputs: new Map(),
    })
    expect(found!.op).toBe('log backward')
  })
})

it('finds what f16 cannot hold', async (context) => {
  needHalves(device.gpu, context)
  const scale = (by: number) => parameter(`by${by}`, [2, 2], Float32Array.of(by, 0, 0, by))
  const y = conv3d(x, scale(1e6))
  const z = sum(conv3d(y, scale(1e-6)))
  const inputs = new Map([[x, ramp]])
  expect(await checkFinite(device.gpu, { outputs: [z], inputs })).toBeUndefined()
  const found = await checkFinite(device.gpu, { outputs: [z], inputs, storage: 'f16' })
  expect(found!.value).toBe(y)
  expect(found!.message).toContain('more than f16 holds')
})
