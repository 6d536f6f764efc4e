import { describe, expect, it } from 'vitest'
import { cosineDecay, stepDecay, warmUp } from '../../src/optim/index.js'

const rates = (schedule: (step: number) => number, steps: number) =>
  Array.from({ length: steps }, (_, i) => Number(schedule(i + 1).toPrecision(12)))

describe('schedules', () => {
  it('stepDecay falls by its factor every n steps', () => {
    expect(rates(stepDecay({ learningRate: 1, every: 2, factor: 0.5 }), 6)).toEqual([
      1, 1, 0.5, 0.5, 0.25, 0.25,
    ])
    expect(rates(stepDecay({ learningRate: 1, every: 1 }), 3)).toEqual([1, 0.1, 0.01])
  })

  it('cosineDecay goes from its first to its last learning rate and stays there', () => {
    // torch.optim.lr_scheduler.CosineAnnealingLR(T_max=4, eta_min=0.2) from 1.
    const half = Math.SQRT1_2
    const expected = [1, 0.6 + 0.4 * half, 0.6, 0.6 - 0.4 * half, 0.2, 0.2, 0.2]
    rates(cosineDecay({ learningRate: 1, steps: 4, minimum: 0.2 }), 7).forEach((rate, i) => {
      expect(rate).toBeCloseTo(expected[i]!, 12)
    })
    expect(cosineDecay({ learningRate: 1, steps: 3 })(4)).toBe(0)
  })

  it('warmUp grows linearly to a number or to another schedule', () => {
    expect(rates(warmUp(2, 4), 6)).toEqual([0.5, 1, 1.5, 2, 2, 2])
    expect(rates(warmUp(stepDecay({ learningRate: 1, every: 3 }), 2), 5)).toEqual([0.5, 1, 1, 0.1, 0.1])
  })

  it('refuses invalid numbers of steps', () => {
    expect(() => stepDecay({ learningRate: 1, every: 0 })).toThrow(
      'stepDecay: steps must be a whole number of at least 1, not 0',
    )
    expect(() => cosineDecay({ learningRate: 1, steps: 1.5 })).toThrow('cosineDecay: steps')
    expect(() => warmUp(1, NaN)).toThrow('warmUp: steps')
  })
})
