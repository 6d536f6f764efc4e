import { describe, expect, it } from 'vitest'
import {
  placementDistance,
  requireFinite,
  requireSameGrid,
  requireVaries,
  type Volume,
} from '../../src/io/volume.js'
import { makeVolume, userError } from './support.js'

function placed(volume: Volume, source: string, shift: number): Volume {
  const affine = [
    [2, 0, 0, shift],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
  ]
  return { ...volume, source, grid: { ...volume.grid, affine, known: true } }
}

describe('requireSameGrid', () => {
  it('names both shapes, both files and what they are', () => {
    const scan = { ...makeVolume(1, [3, 4, 5]), source: 'scan.nii' }
    const prior = { ...makeVolume(14, [3, 4, 6]), source: 'prior.npz' }
    const message = userError(() => requireSameGrid(scan, prior, 'the scan and the prior'))
    for (const part of ['scan.nii', '3x4x5', 'prior.npz', '3x4x6', 'the scan and the prior']) {
      expect(message).toContain(part)
    }
  })

  it('lets channels differ, and says nothing if a grid is unknown or the same', () => {
    const scan = placed(makeVolume(1, [3, 4, 5]), 'scan.nii', 0)
    expect(requireSameGrid(scan, makeVolume(14, [3, 4, 5]), 'x')).toBeUndefined()
    expect(requireSameGrid(scan, placed(makeVolume(2, [3, 4, 5]), 'b.nii', 0.005), 'x')).toBeUndefined()
  })

  it('warns if the affines disagree', () => {
    const warning = requireSameGrid(
      placed(makeVolume(1, [3, 4, 5]), 'a.nii', 0),
      placed(makeVolume(1, [3, 4, 5]), 'b.nii', 1.5),
      'the two',
    )
    expect(warning).toMatch(/the two.*1\.50 mm.*a\.nii.*b\.nii/)
  })
})

describe('placementDistance', () => {
  it('is that of the furthest corner', () => {
    const a = placed(makeVolume(1, [3, 4, 5]), 'a', 0).grid.affine
    const b = [[2.5, 0, 0, 0], ...a.slice(1)]
    expect(placementDistance(a, b, [3, 4, 5])).toBeCloseTo(1, 12)
    expect(placementDistance(a, a, [3, 4, 5])).toBe(0)
  })
})

describe('requireFinite', () => {
  it('accepts numbers', () => {
    expect(() => {
      requireFinite(makeVolume(2, [2, 3, 4]))
    }).not.toThrow()
  })

  it.each([NaN, Infinity, -Infinity])('refuses %f, with its count and first place', (bad) => {
    const one = makeVolume(1, [2, 3, 4])
    one.data[1 * 12 + 2 * 4 + 3] = bad
    expect(
      userError(() => {
        requireFinite(one)
      }),
    ).toContain(`made.nii: 1 of 24 voxels are NaN or infinite, the first (${bad}) at voxel [1, 2, 3]`)
    const two = makeVolume(2, [2, 3, 4])
    two.data.fill(bad, 24 + 5)
    expect(
      userError(() => {
        requireFinite(two)
      }),
    ).toMatch(/ 19 of 48 .* at channel 1, voxel \[0, 1, 1\]/)
  })
})

describe('requireVaries', () => {
  it('refuses a constant and accepts one voxel that differs', () => {
    const volume = makeVolume(1, [2, 3, 4])
    volume.data.fill(7)
    expect(
      userError(() => {
        requireVaries(volume)
      }),
    ).toContain('made.nii: every voxel is 7')
    volume.data[23] = 7.5
    expect(() => {
      requireVaries(volume)
    }).not.toThrow()
  })
})
