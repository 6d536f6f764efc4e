/** Steps that a plan counts itself, against those that the program writes: the same bits. */
import { expect, it } from 'vitest'
import { input, parameter, type Value } from '../../src/graph/value.js'
import { dot, multiply, sum, square, subtract } from '../../src/ops/index.js'
import { Adam, AdamW, SGD, warmUp, type Optimiser } from '../../src/optim/index.js'
import { compile } from '../../src/plan/compile.js'
import type { Plan } from '../../src/plan/plan.js'
import { Variables } from '../../src/plan/variables.js'
import { useGpu } from '../gpu.js'

const device = useGpu()
const target = Float32Array.of(1, -2, 0.5)
const x = input('x', [3])

const optimisers: Record<string, (parameters: Value[]) => Optimiser> = {
  Adam: (w) => new Adam(w, { learningRate: 0.1 }),
  AdamW: (w) => new AdamW(w, { learningRate: warmUp(0.1, 3), weightDecay: 0.1 }),
  'AdamW with amsgrad': (w) => new AdamW(w, { learningRate: 0.1, amsgrad: true }),
  SGD: (w) => new SGD(w, { learningRate: (step) => 0.1 / step }),
  'SGD with momentum': (w) => new SGD(w, { learningRate: 0.02, momentum: 0.9, nesterov: true }),
}

function make(optimiserOf: (parameters: Value[]) => Optimiser) {
  const w = parameter('w', [3], Float32Array.of(0.3, 0.2, 0.1))
  const optimiser = optimiserOf([w])
  const difference = subtract(w, x)
  const loss = dot(difference, difference)
  return { w, optimiser, loss, effects: optimiser.minimise(loss) }
}

it.each(Object.entries(optimisers))(
  '%s trains by run() alone, as with an explicit schedule',
  async (_, of) => {
    const train = async (explicit: boolean): Promise<number[]> => {
      const { w, optimiser, effects, loss } = make(of)
      const variables = new Variables(device.gpu)
      const plan = await compile(device.gpu, { outputs: [], report: [loss], effects, variables })
      plan.write(x, target)
      const losses: number[] = []
      for (let step = 1; step <= 5; step++) {
        if (explicit) plan.write(optimiser.schedule, optimiser.scheduleAt(step))
        losses.push((await plan.run())[0]![0]!)
        expect(variables.stepsOf(optimiser.schedule)).toBe(step)
      }
      const weights = await variables.read(w)
      plan.dispose()
      variables.dispose()
      return [...losses, ...weights]
    }
    const alone = await train(false)
    expect(alone.slice(0, 5)).toEqual([...alone.slice(0, 5)].sort((a, b) => b - a))
    expect(alone[4]).toBeLessThan(0.9 * alone[0]!)
    expect(await train(true)).toEqual(alone)
  },
)

it('counts the steps of all plans that share the variables, and of each set of variables on its own', async () => {
  const { w, optimiser, loss, effects } = make(optimisers.Adam!)
  const run = async (plans: readonly Plan[]): Promise<void> => {
    for (const plan of plans) await plan.run()
  }
  const plansOn = async (variables: Variables): Promise<Plan[]> => {
    const scaled = optimiser.minimise(multiply(loss, 1))
    const plans = [effects, scaled].map((each) =>
      compile(device.gpu, { outputs: [], effects: each, variables }),
    )
    const made = await Promise.all(plans)
    for (const plan of made) plan.write(x, target)
    return made
  }
  const [first, second] = [new Variables(device.gpu), new Variables(device.gpu)]
  const [a, b] = [await plansOn(first), await plansOn(second)]
  await run([a[0]!, a[1]!, a[0]!])
  await run([b[0]!, b[0]!, b[0]!])
  expect(await first.read(w)).toEqual(await second.read(w))
  expect([first, second].map((each) => each.stepsOf(optimiser.schedule))).toEqual([3, 3])
  for (const plan of [...a, ...b]) plan.dispose()
  first.dispose()
  second.dispose()
})

it('goes on from a checkpoint where it is told to', async () => {
  const { w, optimiser, effects } = make(optimisers.Adam!)
  const [whole, resumed] = [new Variables(device.gpu), new Variables(device.gpu)]
  const planOn = async (variables: Variables): Promise<Plan> => {
    const plan = await compile(device.gpu, { outputs: [], effects, variables })
    plan.write(x, target)
    return plan
  }
  const [a, b] = [await planOn(whole), await planOn(resumed)]
  for (let i = 0; i < 2; i++) await a.run()
  for (const value of [w, ...optimiser.state]) resumed.write(value, await whole.read(value))
  resumed.setStepsOf(optimiser.schedule, 2)
  for (const plan of [a, b]) await plan.run()
  expect(await resumed.read(w)).toEqual(await whole.read(w))
  expect(() => { resumed.setStepsOf(optimiser.schedule, -1) }).toThrow('adam schedule: steps done must be') // prettier-ignore
  for (const each of [a, b, whole, resumed]) each.dispose()
})

it.each([
  ['the optimiser itself', optimisers.Adam!([parameter('w', [1], Float32Array.of(0))]), 'not by an Adam'],
  ['a parameter', parameter('w', [1], Float32Array.of(0)), 'not by a Value'],
  ['nothing', undefined, 'not by undefined'],
])('refuses to count the steps of %s', (_, thing, message) => {
  const variables = new Variables(device.gpu)
  expect(() => variables.stepsOf(thing as never)).toThrow(message)
  expect(() => { variables.setStepsOf(thing as never, 3) }).toThrow(message) // prettier-ignore
  variables.dispose()
})

it('counts steps for any input that follows from them', async () => {
  const counter = input('counter', [2], { feed: (step) => Float32Array.of(step, 10 * step) })
  const plan = await compile(device.gpu, { outputs: [], report: [sum(square(counter))] })
  const results = [await plan.run(), await plan.run()].map(([value]) => value![0])
  expect(results).toEqual([101, 404])
  plan.dispose()
})
