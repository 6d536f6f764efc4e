import { describe, expect, it } from 'vitest'
import {
  initialMixture,
  naturalParameters,
  reestimated,
  type GaussianComponent,
  type Moments,
} from '../../../src/sae/mixture/gaussian-mixture.js'

const of = (mass: number, mean: number, variance: number): Moments => ({
  mass,
  first: [mass * mean],
  second: [mass * (variance + mean ** 2)],
})

describe('initialMixture', () => {
  it.each([1, 2, 3])('keeps the mean and variance of a class with %i Gaussians', (M) => {
    const [components] = initialMixture([of(50, 0.7, 0.04)], of(100, 0, 1), [M], 1e-4)
    const average = (value: (component: GaussianComponent) => number) =>
      components!.reduce((sum, component) => sum + component.weight * value(component), 0)
    expect(components).toHaveLength(M)
    expect(average(() => 1)).toBeCloseTo(1, 12)
    const mean = average((component) => component.mean[0]!)
    expect(mean).toBeCloseTo(0.7, 12)
    expect(average(({ mean, variance }) => variance[0]! + (mean[0]! - 0.7) ** 2)).toBeCloseTo(0.04, 12)
    expect(new Set(components!.map((component) => component.mean[0])).size).toBe(M)
  })

  it('takes the whole scan for a class without mass, and keeps the floor', () => {
    const [absent, flat] = initialMixture([of(0, 0, 0), of(9, 3, 0)], of(100, 0, 1), [1, 1], 0.01)
    expect(absent).toEqual([{ weight: 1, mean: [0], variance: [1] }])
    expect(flat).toEqual([{ weight: 1, mean: [3], variance: [0.01] }])
  })
})

describe('reestimated', () => {
  const before = [
    [
      { weight: 0.5, mean: [1], variance: [2] },
      { weight: 0.5, mean: [3], variance: [2] },
    ],
  ]

  it('takes weights, means and variances from the moments', () => {
    const [[a, b] = []] = reestimated(before, [[of(30, 5, 0.5), of(10, 7, 1e-9)]], 0.01)
    expect([a!.weight, a!.mean, b!.weight, b!.mean, b!.variance]).toEqual([0.75, [5], 0.25, [7], [0.01]])
    expect(a!.variance[0]).toBeCloseTo(0.5, 12)
  })

  it('keeps a component that has lost its mass', () => {
    expect(reestimated(before, [[of(0.2, 5, 1), of(0, 0, 0)]], 0.01)).toEqual(before)
    const [[a, b] = []] = reestimated(before, [[of(20, 5, 0.25), { mass: 0, first: [0], second: [0] }]], 0.01)
    expect(a).toEqual({ weight: 1, mean: [5], variance: [0.25] })
    expect(b).toEqual({ weight: 0, mean: [3], variance: [2] })
  })
})

describe('naturalParameters', () => {
  it('gives log p(c) w N(x; mean, variance), a weight of 0 included', () => {
    const mixture = [
      [
        { weight: 0.3, mean: [1], variance: [2] },
        { weight: 0.7, mean: [-1], variance: [0.5] },
      ],
      [
        { weight: 1, mean: [0.5], variance: [1] },
        { weight: 0, mean: [0], variance: [1] },
      ],
    ]
    const { weight, bias } = naturalParameters(mixture)
    const [x, logPrior] = [0.8, [-1.2, -0.4]]
    mixture.flat().forEach(({ weight: w, mean: [mean], variance: [variance] }, j) => {
      const row = weight.subarray(4 * j, 4 * j + 4)
      const actual =
        row[0]! * x ** 2 + row[1]! * x + row[2]! * logPrior[0]! + row[3]! * logPrior[1]! + bias[j]!
      const density = Math.exp(-((x - mean!) ** 2) / (2 * variance!)) / Math.sqrt(2 * Math.PI * variance!)
      expect(actual).toBeCloseTo(Math.log(Math.max(w, 1e-10) * density) + logPrior[j < 2 ? 0 : 1]!, 5)
    })
  })
})
