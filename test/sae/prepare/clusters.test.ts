import { describe, expect, it } from 'vitest'
import { clusters } from '../../../src/sae/prepare/clusters.js'

describe('clusters', () => {
  it('are the groups of numbers, from the least mean on, whatever their sizes and order', () => {
    const groups = [
      [1, 2, 3],
      [50, 51],
      [98, 99, 100, 101, 102, 103],
    ]
    const found = clusters(Float32Array.from(groups.flat().toReversed()), 3)
    expect(found.map(({ mean }) => mean)).toEqual([2, 50.5, 100.5])
    expect(found.map(({ weight }) => weight)).toEqual([3 / 11, 2 / 11, 6 / 11])
    expect(found.map(({ variance }) => variance)).toEqual([2 / 3, 1 / 4, 17.5 / 6])
  })

  it('may be fewer than asked for, and are then of no weight', () => {
    const found = clusters(Float32Array.of(7, 7, 7), 3)
    expect(found.every(({ mean, variance }) => mean === 7 && variance === 0)).toBe(true)
    expect(found.reduce((sum, { weight }) => sum + weight, 0)).toBe(1)
  })
})
