import { describe, expect, it } from 'vitest'
import { Random } from '../../../src/sae/phantom/random.js'
import type { SpatialShape } from '../../../src/sae/shape.js'
import { average, blur, interpolate } from '../../../src/sae/synth/resample.js'

function randomImage(seed: number, [D, H, W]: SpatialShape): Float32Array {
  const random = new Random(seed)
  return Float32Array.from({ length: D * H * W }, () => random.uniform())
}

function worstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length)
  let worst = 0
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!)
    if (!(difference <= worst)) worst = difference // a NaN stays
  }
  return worst
}

/** Applies a matrix [to, from] along each axis, in float64. */
function applyMatrices(
  image: Float32Array,
  from: SpatialShape,
  to: SpatialShape,
  weight: (axis: number, i: number, j: number) => number,
): number[] {
  const result: number[] = []
  for (let d = 0; d < to[0]; d++) {
    for (let h = 0; h < to[1]; h++) {
      for (let w = 0; w < to[2]; w++) {
        let sum = 0
        for (let i = 0, at = 0; i < from[0]; i++) {
          for (let j = 0; j < from[1]; j++) {
            for (let k = 0; k < from[2]; k++, at++) {
              sum += weight(0, d, i) * weight(1, h, j) * weight(2, w, k) * image[at]!
            }
          }
        }
        result.push(sum)
      }
    }
  }
  return result
}

describe('blur', () => {
  it.each<[SpatialShape, SpatialShape]>([
    [
      [7, 5, 11],
      [0.6, 1.1, 0.3],
    ],
    [
      [2, 1, 3],
      [1.3, 0.5, 0],
    ],
  ])('of %j by %j is the sum over a Gaussian, edges replicated', (shape, sigma) => {
    const image = randomImage(1, shape)
    const weight = (axis: number, i: number, j: number): number => {
      const [s, n] = [sigma[axis]!, shape[axis]!]
      if (s === 0) return i === j ? 1 : 0
      const radius = Math.ceil(3 * s)
      let [sum, total] = [0, 0]
      for (let t = -radius; t <= radius; t++) {
        const tap = Math.exp((-t * t) / (2 * s * s))
        total += tap
        if (Math.min(Math.max(i + t, 0), n - 1) === j) sum += tap
      }
      return sum / total
    }
    const expected = applyMatrices(image, shape, shape, weight)
    blur(image, shape, sigma)
    expect(worstDifference(image, expected)).toBeLessThan(1e-6)
  })
})

describe('average', () => {
  it.each<[SpatialShape, SpatialShape]>([
    [
      [7, 5, 12],
      [3, 5, 4],
    ],
    [
      [3, 4, 5],
      [1, 1, 1],
    ],
  ])('of %j to %j weighs voxels by what a larger one has of them', (from, to) => {
    const image = randomImage(2, from)
    const weight = (axis: number, i: number, j: number): number => {
      const size = from[axis]! / to[axis]!
      return Math.max(Math.min(j + 1, (i + 1) * size) - Math.max(j, i * size), 0) / size
    }
    expect(worstDifference(average(image, from, to), applyMatrices(image, from, to, weight))).toBeLessThan(
      1e-6,
    )
  })

  it('to the same voxels changes nothing', () => {
    const image = randomImage(3, [3, 4, 5])
    expect(average(image, [3, 4, 5], [3, 4, 5])).toEqual(image)
  })
})

describe('interpolate', () => {
  it('is linear between the centres of larger voxels and constant beyond the last', () => {
    const from: SpatialShape = [3, 1, 4]
    const to: SpatialShape = [7, 2, 4]
    const image = randomImage(4, from)
    const weight = (axis: number, i: number, j: number): number => {
      const n = from[axis]!
      const position = Math.min(Math.max(((i + 0.5) * n) / to[axis]! - 0.5, 0), n - 1)
      return Math.max(1 - Math.abs(position - j), 0)
    }
    const expected = applyMatrices(image, from, to, weight)
    expect(worstDifference(interpolate(image, from, to), expected)).toBeLessThan(1e-6)
  })
})
