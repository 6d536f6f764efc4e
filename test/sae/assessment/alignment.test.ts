import { describe, expect, it } from 'vitest'
import { alignmentOf } from '../../../src/sae/assessment/alignment.js'
import { makePhantom, phantomTable } from '../../../src/sae/phantom/phantom.js'
import { priorFromLabels } from '../../../src/sae/prior/prior-from-labels.js'
import type { Prior } from '../../../src/sae/prior/prior.js'
import { flipPrior, shiftPrior } from './made-failures.js'

const K = phantomTable.classes.length

function makeCase(shape: readonly [number, number, number]): { scan: Float32Array; prior: Prior } {
  const { subjects, unpaired } = makePhantom({ shape, subjects: 1, seed: 4 })
  const data = priorFromLabels(unpaired.labels, shape, K, { sigma: 1 })
  return { scan: subjects[0]!.scan, prior: { data, classes: K, shape } }
}

describe('alignmentOf', () => {
  const { scan, prior } = makeCase([20, 28, 24])

  it('finds nothing better if the prior already matches its scan', () => {
    const { offset, spread, better } = alignmentOf(scan, prior)
    expect(offset).toBeLessThan(0.15)
    expect(Math.abs(spread! - 1)).toBeLessThan(0.1)
    expect(better?.error ?? 1).toBeGreaterThan(0.95)
  })

  it.each([0, 1, 2] as const)('measures a shift along axis %d in radii', (axis) => {
    const still = alignmentOf(scan, prior).offset!
    const moved = alignmentOf(scan, shiftPrior(prior, axis, 4)).offset!
    // The radius of this phantom is about 8 voxels, and it may have lain a little to the other side.
    expect(moved).toBeGreaterThan(0.25)
    expect(moved).toBeLessThan(1)
    expect(moved).toBeGreaterThan(still)
  })

  it.each([1, 2] as const)('sees that axis %d runs backwards', (axis) => {
    const { better } = alignmentOf(scan, flipPrior(prior, axis))
    expect(better!.error).toBeLessThan(0.9)
    expect(better!.axes).toEqual([0, 1, 2])
    expect(better!.flipped).toEqual([false, axis === 1, axis === 2])
  })

  it('sees that axes are swapped if the shape allows it', () => {
    const { scan, prior } = makeCase([23, 23, 23])
    const swapped = new Float32Array(prior.data.length)
    for (let c = 0; c < K; c++) {
      for (let d = 0; d < 23; d++) {
        for (let h = 0; h < 23; h++) {
          for (let w = 0; w < 23; w++) {
            swapped[((c * 23 + d) * 23 + h) * 23 + w] = prior.data[((c * 23 + d) * 23 + w) * 23 + h]!
          }
        }
      }
    }
    const { better } = alignmentOf(scan, { ...prior, data: swapped })
    expect(better!.error).toBeLessThan(0.9)
    expect(better!.axes).toEqual([0, 2, 1])
    expect(better!.flipped).toEqual([false, false, false])
  })

  it('says the same of a large volume, of which it takes every n-th voxel', () => {
    const { scan, prior } = makeCase([60, 84, 72])
    const { offset, spread, better } = alignmentOf(scan, flipPrior(prior, 2))
    expect(better!.flipped).toEqual([false, false, true])
    expect(offset).toBeGreaterThan(0)
    expect(Math.abs(spread! - 1)).toBeLessThan(0.1)
  })

  it('has no figures for an empty scan', () => {
    expect(alignmentOf(new Float32Array(scan.length), prior)).toMatchObject({
      offset: undefined,
      spread: undefined,
      better: undefined,
    })
  })
})
