import { describe, expect, it } from 'vitest'
import { centroidsOf, fitCentroids, pairsOf, residualOf } from '../../src/register/centroids.js'
import { mapPoint } from '../../src/register/placed.js'
import { seededRandom } from '../../src/nn/index.js'
import { affine, diagonal, multiply, linearPart, type Triple } from '../../src/sae/synth/affine.js'
import { cornerDistance, turned } from './phantoms.js'

const uniform = seededRandom(7)
const points = Array.from({ length: 20 }, (): Triple => [
  60 * uniform() - 30,
  60 * uniform() - 30,
  60 * uniform() - 30,
])
const toPairs = (map: ReturnType<typeof turned>) =>
  points.map((from) => ({ from, to: mapPoint(map, from), weight: 1 + uniform() }))

describe('fitCentroids', () => {
  it('finds a turn by any angle exactly', () => {
    for (const degrees of [0, 15, 90, 179]) {
      const map = turned(degrees, 1, [10, -20, 30])
      expect(cornerDistance(fitCentroids(toPairs(map)), map)).toBeLessThan(1e-6)
    }
  })

  it('finds other sizes in the main, drawn towards none', () => {
    const map = turned(20, 1.2, [3, 2, 1])
    const found = fitCentroids(toPairs(map))
    const size = Math.cbrt(Math.abs(Math.hypot(...linearPart(found)[0]) ** 3))
    expect(size).toBeGreaterThan(1.1)
    expect(size).toBeLessThan(1.2)
    expect(residualOf(toPairs(map), found)).toBeLessThan(4)
  })

  it('does not mirror', () => {
    const mirror = affine(multiply(diagonal([-1, 1, 1]), diagonal([1, 1, 1])), [0, 0, 0])
    const flat = points.map(([x, y, z]): Triple => [x * 0.01, y, z])
    const pairs = flat.map((from) => ({ from, to: mapPoint(mirror, from), weight: 1 }))
    const [[a]] = fitCentroids(pairs)
    expect(a).toBeGreaterThan(0.9)
  })
})

describe('centroidsOf', () => {
  it('places structures in the world, and pairs those that both maps have', () => {
    const labels = new Float64Array(4 * 5 * 6)
    labels[(1 * 5 + 2) * 6 + 3] = 17
    labels[(3 * 5 + 2) * 6 + 3] = 17
    labels[0] = 9
    const grid = { shape: [4, 5, 6] as const, toWorld: affine(diagonal([2, 1, 3]), [-1, 0, 10]) }
    const found = centroidsOf(labels, grid)
    expect(found.get(17)).toEqual({ centre: [3, 2, 19], voxels: 2 })
    expect(pairsOf(found, new Map([[17, { centre: [0, 0, 0], voxels: 8 }]]))).toEqual([
      { from: [3, 2, 19], to: [0, 0, 0], weight: Math.cbrt(2) },
    ])
  })
})
