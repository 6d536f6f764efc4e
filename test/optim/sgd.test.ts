import { describe, expect, it } from 'vitest'
import { parameter } from '../../src/graph/value.js'
import { SGD, stepDecay, type SGDOptions } from '../../src/optim/index.js'
import { clipGradients } from '../reference/adam.js'
import { relativeError } from '../reference/nd-array.js'
import { initialState, sgdStep, type SgdState } from '../reference/sgd.js'
import { useGpu } from '../gpu.js'
import { runSteps } from './run-steps.js'

const device = useGpu()

const cases: Readonly<Record<string, SGDOptions>> = {
  'plain': {},
  'weight decay': { weightDecay: 0.1 },
  'momentum': { momentum: 0.9 },
  'momentum, weight decay and clipping': { momentum: 0.8, weightDecay: 0.1, maxNorm: 0.5 },
  'Nesterov': { momentum: 0.9, nesterov: true },
  'Nesterov, weight decay and clipping': { momentum: 0.8, nesterov: true, weightDecay: 0.1, maxNorm: 0.5 },
  'a schedule': { momentum: 0.9, learningRate: stepDecay({ learningRate: 0.2, every: 2, factor: 0.5 }) },
} // prettier-ignore

describe('sgd', () => {
  it.each(Object.entries(cases))('follows the reference for five steps: %s', async (_, given) => {
    const { maxNorm, ...options } = { learningRate: 0.1, ...given }
    const { start, gradients, final } = await runSteps(
      device.gpu,
      (parameters) => new SGD(parameters, { learningRate: 0.1, ...given }),
    )
    let states: SgdState[] = start.map(initialState)
    for (const [i, drawn] of gradients.entries()) {
      const { learningRate: rate } = options
      const reference = { ...options, learningRate: typeof rate === 'number' ? rate : rate(i + 1) }
      const clipped = maxNorm === undefined ? drawn : clipGradients(drawn, maxNorm).gradients
      states = states.map((state, p) => sgdStep(state, clipped[p]!, reference))
    }
    for (const [i, { parameter, buffer }] of states.entries()) {
      expect(relativeError(final[`p${i}`]!, parameter)).toBeLessThan(1e-6)
      if (options.momentum) expect(relativeError(final[`p${i}.momentum_buffer`]!, buffer)).toBeLessThan(1e-6)
      else expect(Object.keys(final)).toEqual(['p0', 'p1', 'p2'])
    }
  })

  it("refuses Nesterov's momentum without momentum", () => {
    const p = parameter('p', [1], Float32Array.of(0))
    expect(() => new SGD([p], { nesterov: true })).toThrow('sgd: nesterov needs a momentum above 0, not 0')
  })
})
