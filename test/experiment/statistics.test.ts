import { describe, expect, it } from 'vitest'
import { deviation, groupBy, mean, signedRankP } from '../../tools/experiment/statistics.js'

/** Two-sided p by going through all signs of the ranks. No ties, no zeros. */
function exactP(x: readonly number[], y: readonly number[]): number {
  const differences = x.map((value, i) => value - y[i]!)
  const sizes = differences.map(Math.abs).sort((a, b) => a - b)
  const ranks = differences.map((difference) => sizes.indexOf(Math.abs(difference)) + 1)
  const n = ranks.length
  const positive = ranks.reduce((sum, rank, i) => sum + (differences[i]! > 0 ? rank : 0), 0)
  const middle = (n * (n + 1)) / 4
  let asExtreme = 0
  for (let signs = 0; signs < 2 ** n; signs++) {
    const sum = ranks.reduce((total, rank, i) => total + ((signs >> i) & 1 ? rank : 0), 0)
    if (Math.abs(sum - middle) >= Math.abs(positive - middle)) asExtreme++
  }
  return asExtreme / 2 ** n
}

describe('signedRankP', () => {
  it('is 2 / 2^n if all differences have one sign', () => {
    for (const n of [6, 8, 11]) {
      const x = Array.from({ length: n }, (_, i) => 0.5 + 0.01 * (i + 1) ** 1.5)
      const y = x.map(() => 0.5)
      expect(signedRankP(x, y)).toBeCloseTo(2 / 2 ** n, 10)
      expect(signedRankP(y, x)).toBeCloseTo(2 / 2 ** n, 10)
    }
  })

  it('gives the p of the depression data of Hollander and Wolfe (1973), as R does: 0.03906', () => {
    const before = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3]
    const after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    expect(signedRankP(before, after)).toBeCloseTo(0.0390625, 10)
    expect(exactP(before, after)).toBe(0.0390625)
  })

  it('agrees with all signs gone through', () => {
    for (const n of [6, 7, 10, 11]) {
      const x = Array.from({ length: n }, (_, i) => Math.sin(7 * i + n))
      const y = x.map((_, i) => Math.cos(5 * i))
      expect(signedRankP(x, y)).toBeCloseTo(exactP(x, y), 10)
    }
  })

  it('is 1 for equal pairs and NaN for fewer than six', () => {
    const x = [1, 2, 3, 4, 5, 6]
    expect(signedRankP(x, x)).toBe(1)
    expect(signedRankP(x.slice(1), [0, 0, 0, 0, 0])).toBeNaN()
  })
})

describe('mean, deviation and groupBy', () => {
  it('divides by n - 1', () => {
    expect(mean([1, 2, 3, 6])).toBe(3)
    expect(deviation([1, 2, 3, 6])).toBeCloseTo(Math.sqrt(14 / 3), 12)
    expect(deviation([1])).toBeNaN()
  })

  it('keeps the order in which keys come first', () => {
    const groups = groupBy(['pear', 'apple', 'plum'], (word) => word[0]!)
    expect([...groups]).toEqual([
      ['p', ['pear', 'plum']],
      ['a', ['apple']],
    ])
  })
})
