import { describe, expect, it } from 'vitest'
import { looksLikeProbabilities } from '../../examples/web/src/file-kinds.js'

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
