import { describe, expect, it } from 'vitest'
import { customGradient, stopGradient } from '../../src/graph/custom-gradient.js'
import { gradients } from '../../src/graph/gradients.js'
import { input, type Value } from '../../src/graph/value.js'
import { checkGradients } from '../../src/check-gradients.js'
import { compile } from '../../src/plan/compile.js'
import {
  add,
  conv3d,
  dot,
  exp,
  greater,
  multiply,
  sigmoid,
  softplus,
  square,
  sum,
} from '../../src/ops/index.js'
import { differentiate, evaluate, needHalves, useGpu } from '../gpu.js'
import { map, relativeError } from '../reference/nd-array.js'
import { drawFrom, expectSameBits } from '../ops/check.js'

const device = useGpu()
const draw = drawFrom(38)
const shape = [2, 3, 3, 5, 7]

const straightThrough = (x: Value): Value =>
  customGradient(
    { x },
    ({ x }) => greater(x, 0.5),
    (grad) => ({ x: grad }),
  )

describe('customGradient', () => {
  it('replaces the gradients of the ops in it: a straight-through estimator', async () => {
    const [x, g] = [draw(shape), draw(shape)]
    const results = await differentiate(device.gpu, { x }, ['x'], g, (v) => straightThrough(v.x!))
    expectSameBits(
      results.output!,
      map(x, (value) => Number(value > 0.5)),
      'output',
    )
    expectSameBits(results['grad x']!, g, 'gradient')
  })

  it('adds no dispatch to a function that it computes', async () => {
    const x = input('x', shape)
    const lengthOf = async (output: Value): Promise<number> => {
      const plan = await compile(device.gpu, { outputs: [output] })
      plan.dispose()
      return plan.length
    }
    expect(await lengthOf(straightThrough(x))).toBe(await lengthOf(greater(x, 0.5)))
  })

  it('reverses the gradient of a value, which keeps its own elsewhere', async () => {
    const [x, g] = [draw(shape), draw(shape)]
    const reversed = (v: Value) =>
      customGradient(
        { v },
        () => v,
        (grad) => ({ v: multiply(grad, -2) }),
      )
    const results = await differentiate(device.gpu, { x }, ['x'], g, (v) => {
      const y = multiply(v.x!, 3)
      return add(reversed(y), y)
    })
    expect(
      relativeError(
        results.output!,
        map(x, (value) => 6 * value),
      ),
    ).toBeLessThan(1e-6)
    expect(
      relativeError(
        results['grad x']!,
        map(g, (value) => -3 * value),
      ),
    ).toBeLessThan(1e-6)
  })

  it('computes the gradient from output and inputs, those of several inputs too', async () => {
    // log(1 + e^(a b)), whose derivative is written in terms of the output.
    const product = (a: Value, b: Value) =>
      customGradient(
        { a, b },
        ({ a, b }) => softplus(multiply(a, b)),
        (grad, output, { a, b }) => {
          const slope = multiply(grad, add(multiply(exp(multiply(output, -1)), -1), 1))
          return { a: multiply(slope, b), b: multiply(slope, a) }
        },
      )
    const [a, b, g] = [draw(shape), draw(shape), draw(shape)]
    const custom = await differentiate(device.gpu, { a, b }, ['a', 'b'], g, (v) => product(v.a!, v.b!))
    const plain = await differentiate(device.gpu, { a, b }, ['a', 'b'], g, (v) =>
      softplus(multiply(v.a!, v.b!)),
    )
    for (const [name, array] of Object.entries(plain))
      expect(relativeError(custom[name]!, array), name).toBeLessThan(2e-6)
    await checkGradients(device.gpu, {
      inputs: { a: { shape: [7] }, b: { shape: [7] } },
      build: ({ a, b }) => product(a, b),
    })
  })

  it('passes gradients through inputs that the function does not read, to what is behind them', async () => {
    const [x, g] = [draw([7]), draw([7])]
    const results = await differentiate(device.gpu, { x }, ['x'], g, (v) => {
      const behind = multiply(v.x!, 4)
      const fixed = multiply(v.gradOutput ?? v.x!, 0)
      return customGradient(
        { behind },
        () => add(fixed, 1),
        (grad) => ({ behind: grad }),
      )
    })
    expect([...results.output!.data]).toEqual(Array(7).fill(1))
    expect(
      relativeError(
        results['grad x']!,
        map(g, (value) => 4 * value),
      ),
    ).toBeLessThan(1e-6)
  })

  it('may lie in another, whose gradient counts', async () => {
    const [x, g] = [draw(shape), draw(shape)]
    const results = await differentiate(device.gpu, { x }, ['x'], g, (v) =>
      customGradient(
        { x: v.x! },
        ({ x }) => multiply(straightThrough(x), 5),
        (grad) => ({ x: multiply(grad, 7) }),
      ),
    )
    expect(
      relativeError(
        results['grad x']!,
        map(g, (value) => 7 * value),
      ),
    ).toBeLessThan(1e-6)
  })

  it('copies a value stored as f16', async (context) => {
    needHalves(device.gpu, context)
    const [x, w] = [draw([1, 2, 4, 6, 8]), draw([2, 2, 1, 1, 1])]
    const build = (v: Record<string, Value>) => {
      const y = stopGradient(conv3d(v.x!, v.w!))
      return { y, z: conv3d(y, v.w!) }
    }
    const full = await evaluate(device.gpu, { x, w }, build, ['w'])
    const half = await evaluate(device.gpu, { x, w }, build, ['w'], { storage: 'f16' })
    for (const name of ['y', 'z'] as const) expect(relativeError(half[name], full[name])).toBeLessThan(2e-3)
  })

  it('refuses gradients of other names and shapes', () => {
    const x = input('x', [7])
    const named = customGradient(
      { x },
      ({ x }) => sigmoid(x),
      (grad) => ({ y: grad }) as object,
    )
    expect(() => gradients(sum(named), [x])).toThrow('customGradient: a gradient of y, but its inputs are x')
    const shaped = customGradient(
      { x },
      ({ x }) => sigmoid(x),
      (grad) => ({ x: sum(grad) }),
    )
    expect(() => gradients(sum(shaped), [x])).toThrow('the gradient of its input x must be f32 [7] (flat)')
  })
})

describe('stopGradient', () => {
  it('returns the value, and passes no gradient on', async () => {
    const [x, g] = [draw(shape), draw(shape)]
    const results = await differentiate(device.gpu, { x }, ['x'], g, (v) =>
      multiply(stopGradient(square(v.x!)), v.x!),
    )
    expect(
      relativeError(
        results['grad x']!,
        map(g, (value, i) => value * x.data[i]! ** 2),
      ),
    ).toBeLessThan(1e-6)
    const value = input('x', [7])
    expect(() => gradients(dot(stopGradient(value), stopGradient(value)), [value])).toThrow(
      'does not depend on x',
    )
  })
})
