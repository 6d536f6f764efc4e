import { describe, expect, it } from 'vitest'
import { Random } from '../../../src/sae/phantom/random.js'
import { headMask } from '../../../src/sae/synth/head-mask.js'

const shape = [31, 33, 35] as const

function where(inside: (d: number, h: number, w: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 31 * 33 * 35 }, (_, i) =>
    inside(Math.floor(i / (33 * 35)), Math.floor(i / 35) % 33, i % 35) ? 3 : 0,
  )
}

describe('headMask', () => {
  it('is the labelled voxels alone without a rim', () => {
    const labels = where((d, h, w) => (d + h + w) % 3 === 0)
    const mask = headMask(labels, shape, 0, [1, 1, 1], new Random(1))
    expect(mask).toEqual(labels.map((c) => (c === 0 ? 0 : 1)))
  })

  it('adds a rim of about the width asked for to a flat surface, in millimetres', () => {
    const labels = where((d) => d < 12)
    for (const [rim, spacing] of [
      [5, [1, 1, 1]],
      [8, [2, 1, 3]],
      [14, [1, 1, 1]],
    ] as const) {
      const mask = headMask(labels, shape, rim, spacing, new Random(1))
      expect(mask.every((inside, i) => inside === 1 || labels[i] === 0)).toBe(true)
      const added = mask.reduce((sum, inside, i) => sum + (labels[i] === 0 ? inside : 0), 0)
      const width = (added / (33 * 35)) * spacing[0]
      expect(width).toBeGreaterThan(0.7 * rim)
      expect(width).toBeLessThan(1.3 * rim)
    }
  })

  it('fills a narrow gap all the way down', () => {
    const labels = where((d, h) => d < 20 && Math.abs(h - 16) > 1)
    const mask = headMask(labels, shape, 4, [1, 1, 1], new Random(1))
    for (let d = 0; d < 20; d++) expect(mask[(d * 33 + 16) * 35 + 17]).toBe(1)
    expect(mask[(30 * 33 + 16) * 35 + 17]).toBe(0)
  })

  it('varies from head to head, but not for one seed', () => {
    const labels = where((d, h, w) => (d - 15) ** 2 + (h - 16) ** 2 + (w - 17) ** 2 < 80)
    const mask = (seed: number): Uint8Array => headMask(labels, shape, 5, [1, 1, 1], new Random(seed))
    expect(mask(1)).toEqual(mask(1))
    expect(mask(2)).not.toEqual(mask(1))
  })

  it('of an empty map is empty', () => {
    expect(headMask(new Uint8Array(6), [1, 2, 3], 5, [1, 1, 1], new Random(1))).toEqual(new Uint8Array(6))
  })
})
