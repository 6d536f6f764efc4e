import { describe, expect, it } from 'vitest'
import { NoiseLevel } from '../../../src/sae/training/noise-level.js'
import { profiledLoss } from '../../../src/sae/training/selection.js'

describe('profiledLoss', () => {
  const [voxels, klLoss, mrfLoss] = [1000, 30, 4]

  it('is the least of the bound over all variances', () => {
    const meanSquaredError = 0.0037
    const bound = (variance: number): number =>
      0.5 * voxels * (meanSquaredError / variance + Math.log(variance)) + klLoss + mrfLoss
    const least = profiledLoss({ meanSquaredError, klLoss, mrfLoss }, voxels)
    expect(least).toBeCloseTo(bound(meanSquaredError), 9)
    for (const factor of [0.5, 0.9, 1.1, 2]) expect(bound(factor * meanSquaredError)).toBeGreaterThan(least)
  })

  it('falls as the error does, through the step of the noise weight at which the loss leaps', () => {
    const noise = new NoiseLevel({ sigma: 'estimated', alpha: 1 }, 0.04)
    const losses: number[] = []
    const profiled: number[] = []
    for (const meanSquaredError of [0.035, 0.034, 0.033, 0.032, 0.031, 0.03, 0.029, 0.028]) {
      losses.push(noise.loss(voxels * meanSquaredError, voxels) + klLoss + mrfLoss)
      profiled.push(profiledLoss({ meanSquaredError, klLoss, mrfLoss }, voxels))
      noise.variance = meanSquaredError
    }
    const rises = (values: number[]) => values.slice(1).filter((value, i) => value > values[i]!).length
    expect(rises(losses)).toBe(1)
    expect(rises(profiled)).toBe(0)
  })

  it('refuses an error that is not positive', () => {
    for (const meanSquaredError of [0, -1, NaN]) {
      expect(() => profiledLoss({ meanSquaredError, klLoss, mrfLoss }, voxels)).toThrow(RangeError)
    }
  })
})
