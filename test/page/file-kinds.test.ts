import { describe, expect, it } from 'vitest'
import { looksLikeProbabilities, sortFile } from '../../examples/web/src/file-kinds.js'
import { makeFourD } from '../browser/page-files.js'

const volume = (channels: number, ...values: number[]) => ({ channels, data: Float32Array.from(values) })

describe('a file of several volumes', () => {
  it('is a prior if they sum to 1 where there is anything', () => {
    expect(looksLikeProbabilities(volume(2, 0.25, 1, 0, 0.75, 0, 0))).toBe(true)
    expect(looksLikeProbabilities(volume(3, 0.2, 0.5, 0.3, 0.5, 0.5, 0))).toBe(true)
  })

  it('is a scan of several contrasts otherwise', () => {
    expect(looksLikeProbabilities(volume(2, 0.25, 0.5, 0.1, 0.75, 0.9, 0.2))).toBe(false)
    expect(looksLikeProbabilities(volume(2, 120, 80, 0, 40, 300, 0))).toBe(false)
    expect(looksLikeProbabilities(volume(2, 1.5, 1, -0.5, 0))).toBe(false)
    expect(looksLikeProbabilities(volume(2, NaN, 1, 1, 0))).toBe(false)
    expect(looksLikeProbabilities(volume(2, 0, 0, 0, 0))).toBe(false)
    expect(looksLikeProbabilities(volume(1, 1, 1))).toBe(false)
  })
})

describe('a file of more volumes than a scan has contrasts', () => {
  const sorted = (...values: ((i: number) => number)[]) =>
    sortFile(new File([new Uint8Array(makeFourD(values))], 'file.nii'))
  const repeated = (count: number, value: (i: number) => number) => Array.from({ length: count }, () => value)

  it('is a prior if they are probabilities', async () => {
    expect(await sorted(...repeated(9, () => 1 / 9))).toEqual({ name: 'file.nii', kind: 'prior' })
  })

  it.each([9, 65])('is of no use if they are a series of %d', async (count) => {
    expect(await sorted(...repeated(count, (i) => 100 + (i % 97)))).toEqual({
      name: 'file.nii',
      fault: `file.nii: its ${count} volumes are not a prior, which has probabilities from 0 to 1 that sum to 1 at every voxel, and a scan has at most 8 contrasts; open one volume as a file of its own`,
    })
  })

  it('says at once where probabilities do not sum to 1', async () => {
    const share = (i: number): number => (i < 100 ? 0 : 1 / 9)
    expect(await sorted(...repeated(9, share))).toEqual({
      name: 'file.nii',
      fault: 'file.nii: the classes sum to 0 at voxel [0, 0, 0], not to 1; normalise the prior',
    })
  })
})
