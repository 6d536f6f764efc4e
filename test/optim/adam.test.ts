import { describe, expect, it } from 'vitest'
import { compile } from '../../src/autograd/plan.js'
import { input, parameter } from '../../src/autograd/value.js'
import { Variables } from '../../src/autograd/variables.js'
import { Adam } from '../../src/optim/index.js'
import { adamStep, clipGradients, initialState } from '../reference/adam.js'
import { map, mulberry32, relativeError, uniform } from '../reference/nd-array.js'
import { useGpu } from '../gpu.js'

const device = useGpu()

describe('adam', () => {
  for (const [name, options] of Object.entries({
    'PyTorch defaults': {},
    'weight decay': { weightDecay: 0.1 },
    'other betas and epsilon': { betas: [0.8, 0.95] as const, epsilon: 1e-3 },
    'clipping that bites': { maxNorm: 0.5 },
    'clipping that does not': { maxNorm: 1e6 },
    'clipping with weight decay': { maxNorm: 0.5, weightDecay: 0.1 },
  })) {
    it(`follows the reference for five steps: ${name}`, async () => {
      const random = mulberry32(7)
      const shapes = [[37], [3, 5, 1, 3, 3], [1]]
      // Single precision from the start, so that only the arithmetic differs.
      const single = (shape: number[]) => map(uniform(shape, random), Math.fround)
      let states = shapes.map((shape) => initialState(single(shape)))
      const parameters = states.map(({ parameter: p }, i) =>
        parameter(`p${i}`, p.shape, Float32Array.from(p.data)),
      )
      const grads = shapes.map((shape, i) => input(`g${i}`, shape, { layout: 'flat' }))
      const adam = new Adam(parameters, { learningRate: 0.01, ...options })
      const variables = new Variables(device.gpu)
      const plan = await compile(device.gpu, { outputs: [], effects: adam.update(grads), variables })
      for (let step = 1; step <= 5; step++) {
        let gradients = shapes.map((shape) => single(shape))
        gradients.forEach(({ data }, i) => {
          plan.write(grads[i]!, Float32Array.from(data))
        })
        plan.write(adam.schedule, adam.scheduleAt(step))
        await plan.run()
        if ('maxNorm' in options) gradients = clipGradients(gradients, options.maxNorm).gradients
        const { learningRate, betas, epsilon, weightDecay } = adam.options
        const reference = { learningRate, beta1: betas[0], beta2: betas[1], epsilon, weightDecay }
        states = states.map((state, i) => adamStep(state, gradients[i]!, reference))
      }
      for (const [i, state] of states.entries()) {
        expect(relativeError(await variables.read(parameters[i]!), state.parameter)).toBeLessThan(1e-6)
        expect(relativeError(await variables.read(adam.moments[i]!.first), state.firstMoment)).toBeLessThan(
          1e-6,
        )
        expect(relativeError(await variables.read(adam.moments[i]!.second), state.secondMoment)).toBeLessThan(
          1e-5,
        )
      }
      plan.dispose()
      variables.dispose()
    })
  }

  it('refuses a clipping norm that is not positive', () => {
    const p = parameter('p', [1], Float32Array.of(0))
    const adam = new Adam([p], { maxNorm: 0 })
    expect(() => adam.update([input('g', [1])])).toThrow('must be positive')
  })
})
