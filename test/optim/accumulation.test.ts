/** Steps with the mean of several gradients, against steps with the gradient of the whole batch. */
import { describe, expect, it } from 'vitest'
import { input, parameter, type Value } from '../../src/graph/value.js'
import { conv3d, mean, multiply, relu, sum } from '../../src/ops/index.js'
import { Adam, GradientAccumulation, SGD, type Optimiser } from '../../src/optim/index.js'
import { compile } from '../../src/plan/compile.js'
import { Variables } from '../../src/plan/variables.js'
import { useGpu } from '../gpu.js'
import { relativeError } from '../reference/nd-array.js'
import { drawFrom } from '../ops/check.js'

const device = useGpu()
const draw = drawFrom(39)
const numbers = (shape: readonly number[]): Float32Array => Float32Array.from(draw(shape).data)

const steps = 4
const images = numbers([steps, 6, 2, 3, 5, 7])
const image = images.length / steps / 6
const weights = numbers([3, 2, 3, 3, 3])
const bias = numbers([3])

const optimisers: Record<string, (parameters: Value[]) => Optimiser> = {
  'SGD with momentum': (w) => new SGD(w, { learningRate: 0.1, momentum: 0.9 }),
  'Adam with clipping': (w) => new Adam(w, { learningRate: 0.02, maxNorm: 0.05 }),
}

function network(of: (parameters: Value[]) => Optimiser, batch: number) {
  const [w, b] = [parameter('w', [3, 2, 3, 3, 3], weights), parameter('b', [3], bias)]
  const x = input('x', [batch, 2, 3, 5, 7])
  const y = relu(conv3d(x, w, b, { padding: 'same' }))
  return { x, loss: mean(multiply(y, y)), optimiser: of([w, b]) }
}

/** The contents of the parameters and of the optimiser's state, by name. */
async function contents(variables: Variables, { parameters, state }: Optimiser) {
  const all = await variables.readAll([...parameters, ...state])
  return Object.fromEntries([...all].map(([name, { data }]) => [name, data]))
}

/** The parameters after some steps, each in as many parts. */
async function train(
  of: (parameters: Value[]) => Optimiser,
  parts: number,
): Promise<Record<string, Float32Array>> {
  const size = 6 / parts
  const { x, loss, optimiser } = network(of, size)
  const variables = new Variables(device.gpu)
  const accumulation = new GradientAccumulation(optimiser)
  const part = await compile(device.gpu, { outputs: [], effects: accumulation.add(loss), variables })
  const step = await compile(device.gpu, { outputs: [], effects: accumulation.step(), variables })
  for (let i = 0; i < steps; i++) {
    for (let k = 0; k < parts; k++) {
      const first = (6 * i + size * k) * image
      part.write(x, images.subarray(first, first + size * image))
      await part.run()
    }
    await step.run()
    expect(variables.stepsOf(optimiser.schedule)).toBe(i + 1)
    for (const value of accumulation.state)
      expect((await variables.read(value)).every((number) => number === 0)).toBe(true)
  }
  const trained = await contents(variables, optimiser)
  part.dispose()
  step.dispose()
  variables.dispose()
  return trained
}

/** The same without accumulation. */
async function trainAtOnce(of: (parameters: Value[]) => Optimiser): Promise<Record<string, Float32Array>> {
  const { x, loss, optimiser } = network(of, 6)
  const variables = new Variables(device.gpu)
  const plan = await compile(device.gpu, { outputs: [], effects: optimiser.minimise(loss), variables })
  for (let i = 0; i < steps; i++) {
    plan.write(x, images.subarray(6 * i * image, 6 * (i + 1) * image))
    await plan.run()
  }
  const trained = await contents(variables, optimiser)
  plan.dispose()
  variables.dispose()
  return trained
}

describe.each(Object.entries(optimisers))('%s', (_, of) => {
  it('has the bits of a step without accumulation, if there is one part', async () => {
    expect(await train(of, 1)).toEqual(await trainAtOnce(of))
  })

  it.each([2, 3, 6])('has the values of one batch in %i parts', async (parts) => {
    const [parted, whole] = [await train(of, parts), await trainAtOnce(of)]
    for (const [name, data] of Object.entries(whole)) {
      const asArray = (values: Float32Array) => ({ shape: [values.length], data: Float64Array.from(values) })
      expect(relativeError(asArray(parted[name]!), asArray(data)), name).toBeLessThan(2e-5)
      expect(data.some((number) => number !== 0)).toBe(true)
    }
  })
})

it('takes gradients as 0 if none was added, and the mean of as many as there were', async () => {
  const w = parameter('w', [2], Float32Array.of(1, 2))
  const x = input('x', [2])
  const accumulation = new GradientAccumulation(new SGD([w], { learningRate: 1 }))
  const variables = new Variables(device.gpu)
  const part = await compile(device.gpu, {
    outputs: [],
    effects: accumulation.add(sum(multiply(w, x))),
    variables,
  })
  const step = await compile(device.gpu, { outputs: [], effects: accumulation.step(), variables })
  await step.run()
  expect([...(await variables.read(w))]).toEqual([1, 2])
  for (const [a, b] of [
    [1, 8],
    [2, 4],
    [6, 0],
  ]) {
    part.write(x, Float32Array.of(a!, b!))
    await part.run()
  }
  await step.run()
  expect([...(await variables.read(w))]).toEqual([-2, -2])
  part.dispose()
  step.dispose()
  variables.dispose()
})
