import { describe, expect, it } from 'vitest'
import { input, parameter } from '../../src/graph/value.js'
import { Adam, AdamW, SGD, cosineDecay, type AdamOptions } from '../../src/optim/index.js'
import { adamStep, clipGradients, initialState, type AdamState } from '../reference/adam.js'
import { relativeError } from '../reference/nd-array.js'
import { useGpu } from '../gpu.js'
import { runSteps } from './run-steps.js'

const device = useGpu()

const cases: Readonly<Record<string, AdamOptions & { readonly kind?: typeof Adam }>> = {
  'PyTorch defaults': {},
  'weight decay': { weightDecay: 0.1 },
  'other betas and epsilon': { betas: [0.8, 0.95], epsilon: 1e-3 },
  'clipping that bites': { maxNorm: 0.5 },
  'clipping that does not': { maxNorm: 1e6 },
  'clipping with weight decay': { maxNorm: 0.5, weightDecay: 0.1 },
  'amsgrad': { amsgrad: true, betas: [0.9, 0.5] },
  'amsgrad with everything': { amsgrad: true, betas: [0.9, 0.5], maxNorm: 0.5, weightDecay: 0.1 },
  'AdamW': { kind: AdamW },
  'AdamW with its own decay and clipping': { kind: AdamW, weightDecay: 0.3, maxNorm: 0.5 },
  'a schedule': { learningRate: cosineDecay({ learningRate: 0.02, steps: 4, minimum: 0.001 }) },
  'AdamW with a schedule': {
    kind: AdamW,
    weightDecay: 0.3,
    learningRate: cosineDecay({ learningRate: 0.02, steps: 4 }),
  },
} // prettier-ignore

describe('adam', () => {
  it.each(Object.entries(cases))('follows the reference for five steps: %s', async (_, given) => {
    const { kind: Kind = Adam, ...options } = { learningRate: 0.01, ...given }
    const { start, gradients, final } = await runSteps(
      device.gpu,
      (parameters) => new Kind(parameters, options),
    )
    const [beta1, beta2] = options.betas ?? [0.9, 0.999]
    const decay = options.weightDecay ?? (Kind === AdamW ? 0.01 : 0)
    let states: AdamState[] = start.map(initialState)
    for (const [i, drawn] of gradients.entries()) {
      const { learningRate: rate } = options
      const reference = {
        learningRate: typeof rate === 'number' ? rate : rate(i + 1),
        beta1,
        beta2,
        epsilon: options.epsilon ?? 1e-8,
        amsgrad: options.amsgrad ?? false,
        ...(Kind === AdamW ? { decoupledDecay: decay } : { weightDecay: decay }),
      }
      const clipped = options.maxNorm === undefined ? drawn : clipGradients(drawn, options.maxNorm).gradients
      states = states.map((state, p) => adamStep(state, clipped[p]!, reference))
    }
    for (const [i, state] of states.entries()) {
      expect(relativeError(final[`p${i}`]!, state.parameter)).toBeLessThan(1e-6)
      expect(relativeError(final[`p${i}.first_moment`]!, state.firstMoment)).toBeLessThan(1e-6)
      expect(relativeError(final[`p${i}.second_moment`]!, state.secondMoment)).toBeLessThan(1e-5)
      const largest = final[`p${i}.largest_second_moment`]
      expect(largest !== undefined).toBe(options.amsgrad === true)
      if (largest) {
        expect(relativeError(largest, state.largest)).toBeLessThan(1e-5)
        // Else the check would not tell amsgrad from Adam.
        if (i === 0) expect(relativeError(state.secondMoment, state.largest)).toBeGreaterThan(0.1)
      }
    }
  })

  const p = parameter('p', [1], Float32Array.of(0))

  it.each([
    ['Adam', Adam, ['learningRate', 'betas', 'epsilon', 'weightDecay', 'amsgrad']],
    ['AdamW', AdamW, ['learningRate', 'betas', 'epsilon', 'weightDecay', 'amsgrad']],
    ['SGD', SGD, ['learningRate', 'momentum', 'nesterov', 'weightDecay']],
  ])('takes options of %s that are undefined for left out', (_, Kind, names) => {
    const undefinedOnes = Object.fromEntries(names.map((name) => [name, undefined]))
    expect(new Kind([p], undefinedOnes as object).options).toEqual(new Kind([p]).options)
    expect(Object.values(new Kind([p], undefinedOnes as object).options)).not.toContain(undefined)
  })

  it('refuses a clipping norm that is not positive', () => {
    const adam = new Adam([p], { maxNorm: 0 })
    expect(() => adam.update([input('g', [1])])).toThrow('must be positive')
  })

  it('refuses gradients that do not belong to its parameters', () => {
    const adam = new Adam([p])
    expect(() => adam.update([])).toThrow('adam: 0 gradients given for 1 parameters')
    expect(() => adam.update([input('g', [2])])).toThrow('adam: g [2] and p [1] must have the same shape')
    expect(() => adam.update([undefined as never])).toThrow('adam: a Value is needed, not undefined')
    // As many numbers, but in another order.
    const weight = parameter('w', [1, 2, 2, 1, 1], new Float32Array(4))
    expect(() => new Adam([weight]).update([input('g', weight.shape)])).toThrow(
      'and the same layout, not volume and flat',
    )
  })

  it('refuses a step before the first, and a learning rate that is none', () => {
    expect(() => new Adam([p]).scheduleAt(0)).toThrow('adam: steps are counted from 1, not 0')
    expect(() => new AdamW([p], { learningRate: () => NaN }).scheduleAt(3)).toThrow(
      'adam: learning rate of step 3 must be a number of at least 0, not NaN',
    )
    expect(() => new Adam([p], { learningRate: (step) => 1 - step }).scheduleAt(2)).toThrow('not -1')
  })
})
