/** Several optimisers in one plan, and what an optimiser refuses. */
import { describe, expect, it } from 'vitest'
import { constant, input, parameter } from '../../src/graph/value.js'
import { add, multiply, square, sum } from '../../src/ops/index.js'
import { Adam, AdamW, GradientAccumulation, SGD } from '../../src/optim/index.js'
import { compile } from '../../src/plan/compile.js'
import { Variables } from '../../src/plan/variables.js'
import { useGpu } from '../gpu.js'

const device = useGpu()
const learningRate = 0.1
const make = () => [parameter('a', [1], Float32Array.of(1)), parameter('b', [1], Float32Array.of(2))]

describe('two optimisers in a plan', () => {
  // d (ab)^2: 2 a b^2 = 8 and 2 a^2 b = 4.
  it.each([
    ['the first one first', [0, 1]],
    ['the second one first', [1, 0]],
  ])('both take gradients of the weights before the run, %s', async (_, order) => {
    const [a, b] = make()
    const loss = sum(square(multiply(a!, b!)))
    const effects = order.flatMap((i) => new SGD([[a!, b!][i]!], { learningRate }).minimise(loss))
    // Built after the updates, it still reads what was there before them.
    const later = sum(add(a!, b!))
    const variables = new Variables(device.gpu)
    const plan = await compile(device.gpu, { outputs: [later], effects, variables })
    await plan.run()
    expect((await plan.read(later))[0]).toBe(3)
    expect((await variables.read(a!))[0]).toBeCloseTo(0.2, 6)
    expect((await variables.read(b!))[0]).toBeCloseTo(1.6, 6)
    plan.dispose()
    variables.dispose()
  })

  it('refuses to read a variable between two updates of it', async () => {
    const [a, b] = make()
    const accumulation = new GradientAccumulation(new SGD([a!, b!], { learningRate }))
    const loss = sum(square(multiply(a!, b!)))
    const effects = [...accumulation.add(loss), ...accumulation.step()]
    await expect(compile(device.gpu, { outputs: [], effects })).rejects.toThrow(
      'compile: maximum reads accumulated gradients between two updates of it; make two plans of them',
    )
  })
})

describe('an optimiser refuses', () => {
  const [a, b] = make()

  it('values that are not variables, or given twice', () => {
    expect(() => new SGD([input('x', [1])])).toThrow('sgd: x is not a variable, but input')
    expect(() => new SGD([constant('c', [1], Float32Array.of(1))])).toThrow(
      'c is not a variable, but constant',
    )
    expect(() => new Adam([square(b!)])).toThrow('adam: square is not a variable, but computed')
    expect(() => new Adam([a!, b!, a!])).toThrow('adam: a is there twice')
    expect(() => new SGD(a as never)).toThrow('sgd: parameters: a list of values is needed')
  })

  it('an empty list of parameters', () => {
    expect(() => new SGD([])).toThrow('sgd: there is no parameter to train')
    expect(() => new Adam([])).toThrow('adam: there is no parameter to train')
  })

  it('settings out of range', () => {
    expect(() => new SGD([a!], { learningRate: '0.1' as never })).toThrow(
      'sgd: learning rate must be a number of at least 0',
    )
    expect(() => new Adam([a!], { betas: [1, 1] })).toThrow('adam: betas must be at least 0 and below 1')
    expect(() => new Adam([a!], { betas: [NaN, 0.9] })).toThrow('at least 0 and below 1, not NaN, 0.9')
    const least = (option: string, value: number) => `${option} must be a number of at least 0, not ${value}`
    for (const wrong of [NaN, -1, Infinity]) {
      expect(() => new SGD([a!], { learningRate: wrong })).toThrow(`sgd: ${least('learning rate', wrong)}`)
      expect(() => new Adam([a!], { learningRate: wrong })).toThrow(`adam: ${least('learning rate', wrong)}`)
      expect(() => new Adam([a!], { epsilon: wrong })).toThrow(`adam: ${least('epsilon', wrong)}`)
      expect(() => new Adam([a!], { weightDecay: wrong })).toThrow(`adam: ${least('weightDecay', wrong)}`)
      // AdamW decays outside its kernel, whose parameters were all that was checked.
      expect(() => new AdamW([a!], { weightDecay: wrong })).toThrow(`adam: ${least('weightDecay', wrong)}`)
      expect(() => new SGD([a!], { momentum: wrong })).toThrow(`sgd: ${least('momentum', wrong)}`)
      expect(() => new SGD([a!], { weightDecay: wrong })).toThrow(`sgd: ${least('weightDecay', wrong)}`)
    }
    expect(new SGD([a!], { learningRate: 0 }).scheduleAt(1)[0]).toBe(0)
  })
})
