import { describe, expect, it } from 'vitest'
import { MutualInformation } from '../../src/register/mutual-information.js'
import { sampleScan } from '../../src/register/samples.js'
import type { Affine } from '../../src/sae/synth/affine.js'
import { blur } from '../../src/sae/synth/resample.js'
import { otherContrast, phantom, placedScan, turned } from './phantoms.js'

describe('MutualInformation', () => {
  it('has the derivatives that differences give', () => {
    const scan = placedScan(phantom(2))
    blur(scan.data, scan.shape, [1.5, 1.5, 1.5])
    const measure = new MutualInformation(sampleScan(scan, 20_000), otherContrast(scan))
    const map = turned(5, 1.03, [4, -3, 2])
    const gradient = new Float64Array(12)
    measure.evaluate(map, gradient)
    const scratch = new Float64Array(12)
    const expected = gradient.map((_, k) => {
      // A turn of a point 60 mm away, and a shift.
      const by = k % 4 === 3 ? 0.02 : 0.02 / 60
      const at = (sign: number): number => {
        const rows = map.map((row, r) => row.map((v, c) => (4 * r + c === k ? v + sign * by : v)))
        return measure.evaluate(rows as unknown as Affine, scratch)
      }
      return (at(1) - at(-1)) / (2 * by)
    })
    // Differences jump when a point passes from one cell of voxels to the next, so they agree in the main only.
    for (const entries of [
      [0, 1, 2, 4, 5, 6, 8, 9, 10],
      [3, 7, 11],
    ]) {
      const dot = (a: Float64Array, b: Float64Array): number =>
        entries.reduce((sum, k) => sum + a[k]! * b[k]!, 0)
      const cosine = dot(gradient, expected) / Math.sqrt(dot(gradient, gradient) * dot(expected, expected))
      expect(cosine).toBeGreaterThan(0.97)
      expect(dot(gradient, expected) / dot(expected, expected)).toBeCloseTo(1, 0)
    }
  })
})
