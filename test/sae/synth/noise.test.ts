import { describe, expect, it } from 'vitest'
import { Random } from '../../../src/sae/phantom/random.js'
import { NormalNoise, normalShareBelow } from '../../../src/sae/synth/noise.js'

function moments(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, deviation: Math.sqrt(squares / values.length) }
}

const count = 200_000

describe('NormalNoise', () => {
  const noise = new NormalNoise(new Random(1))
  const values = Array.from({ length: count }, noise.next)

  it('has mean 0 and deviation 1, and neighbours do not depend on each other', () => {
    const { mean, deviation } = moments(values)
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(count))
    expect(Math.abs(deviation - 1)).toBeLessThan(4 / Math.sqrt(count))
    const covariance = values.slice(1).reduce((sum, value, i) => sum + value * values[i]!, 0) / count
    expect(Math.abs(covariance)).toBeLessThan(4 / Math.sqrt(count))
  })

  it.each([-2.5, -1, 0, 0.3, 1.7, 3])('has the share below %d that normalShareBelow says', (x) => {
    const share = values.filter((value) => value < x).length / count
    expect(Math.abs(share - normalShareBelow(x))).toBeLessThan(4 * Math.sqrt(0.25 / count))
  })

  it('gives other numbers for another seed', () => {
    expect(new NormalNoise(new Random(2)).next()).not.toBe(values[0])
  })
})

describe('normalShareBelow', () => {
  it('is a distribution: 0 and 1 at its ends, near the normal one between', () => {
    expect([-4, -3.47, 3.47, 4].map(normalShareBelow)).toEqual([0, 0, 1, 1])
    expect(normalShareBelow(0)).toBeCloseTo(0.5, 12)
    expect(normalShareBelow(1)).toBeCloseTo(0.8413, 1)
    expect(Math.abs(normalShareBelow(1) - 0.8413)).toBeLessThan(0.01)
  })
})
