import { describe, expect, it } from 'vitest'
import { UserError } from '../../src/errors.js'
import type { DeviceTraits } from '../../src/gpu/traits.js'
import { input } from '../../src/graph/value.js'
import { elementRange, elementSlabs, planesOf, slabs, widened, type Slab } from '../../src/graph/window.js'

const device = (bindingElements: number): DeviceTraits => ({
  bindingElements,
  uniformBytes: 65536,
  subgroupSize: 0,
  software: true,
})

/** Expects [0, count) to be covered once, in order. */
function expectPartition(cut: readonly Slab[], count: number): void {
  expect(cut[0]!.first).toBe(0)
  expect(cut.at(-1)!.end).toBe(count)
  cut.forEach(({ first, end }, i) => {
    expect(end).toBeGreaterThan(first)
    if (i > 0) expect(first).toBe(cut[i - 1]!.end)
  })
}

describe('planesOf', () => {
  it('are windows in memory order, clamped to the volume', () => {
    const x = input('x', [2, 3, 5, 7, 11])
    expect(planesOf(x, { first: 4, end: 6 })).toEqual({ value: x, start: 4 * 231, end: 6 * 231 })
    expect(planesOf(x, { first: -2, end: 1 })).toEqual({ value: x, start: 0, end: 231 })
    expect(planesOf(x, { first: 8, end: 13 })).toEqual({ value: x, start: 8 * 231, end: 10 * 231 })
  })
})

describe('slabs', () => {
  const x = input('x', [2, 3, 23, 7, 11])
  const size = 231
  const withHalo = (halo: number) => (slab: Slab) => [planesOf(x, widened(slab, halo))]

  it('is one slab if everything fits, with room to align the start', () => {
    expect(slabs({ first: 0, end: 46 }, device(46 * size + 64), withHalo(0))).toEqual([{ first: 0, end: 46 }])
    expect(slabs({ first: 0, end: 46 }, device(46 * size + 63), withHalo(0))).toHaveLength(2)
  })

  it('cuts into as few as fit, for every limit', () => {
    for (const halo of [0, 1, 3])
      for (let fit = 1 + 2 * halo; fit <= 46; fit++) {
        const cut = slabs({ first: 0, end: 46 }, device(fit * size + 64), withHalo(halo))
        expectPartition(cut, 46)
        for (const slab of cut)
          for (const { start, end } of withHalo(halo)(slab))
            expect(end - start).toBeLessThanOrEqual(fit * size)
        // Equal parts need at most one more than the parts in the middle, which have a halo on both sides.
        expect(cut.length).toBeLessThanOrEqual(Math.ceil(46 / (fit - 2 * halo)))
      }
  })

  it('respects the smallest of several windows', () => {
    const y = input('y', [2, 30, 23, 7, 11])
    const both = (slab: Slab) => [planesOf(x, slab), planesOf(y, slab)]
    expect(slabs({ first: 0, end: 46 }, device(2 * 10 * size + 64), both)).toHaveLength(23)
  })

  it('keeps within the workgroups of one dispatch', () => {
    const thin = input('thin', [1, 1, 200_000, 1, 1])
    const all = (slab: Slab) => [planesOf(thin, slab)]
    const cut = slabs({ first: 0, end: 200_000 }, device(2 ** 25), all)
    expectPartition(cut, 200_000)
    for (const { first, end } of cut) expect(end - first).toBeLessThanOrEqual(65535)
  })

  it('says what is too large, and what to do', () => {
    const attempt = () => slabs({ first: 0, end: 46 }, device(3 * size + 63), withHalo(1))
    expect(attempt).toThrow(UserError)
    expect(attempt).toThrow(
      'x [2, 3, 23, 7, 11]: one step reads planes of 2772 bytes, more than the 2768 that this device can bind; crop the volume',
    )
  })

  it('cuts a range that begins anywhere', () => {
    const cut = slabs({ first: 11, end: 30 }, device(7 * size + 64), withHalo(1))
    expect(cut[0]!.first).toBe(11)
    expect(cut.at(-1)!.end).toBe(30)
    expect(cut.length).toBeGreaterThan(2)
  })
})

describe('elementRange', () => {
  it('consists of vec4s if planes do, or if it is everything', () => {
    const odd = input('odd', [1, 3, 4, 5, 7])
    const even = input('even', [1, 2, 4, 5, 6])
    expect(elementRange(odd, { first: 0, end: 4 })).toEqual({ first: 0, end: 420, vector: true })
    expect(elementRange(odd, { first: 1, end: 4 })).toEqual({ first: 105, end: 420, vector: false })
    expect(elementRange(even, { first: 1, end: 2 })).toEqual({ first: 60, end: 120, vector: true })
    const flat = input('flat', [7, 3])
    expect(elementRange(flat, { first: 0, end: 1 })).toEqual({ first: 0, end: 21, vector: true })
  })
})

describe('elementSlabs', () => {
  it('covers everything once, in whole vec4s, with room to align the start', () => {
    for (const [first, last, limit] of [[0, 1, 128], [12, 64, 128], [0, 65, 128], [40, 100_003, 4099]]) {
      const cut = elementSlabs({ first: first!, end: last! }, device(limit!))
      expect(cut[0]!.first).toBe(first)
      expect(cut.at(-1)!.end).toBe(last)
      cut.forEach((slab, i) => {
        if (i > 0) expect(slab.first).toBe(cut[i - 1]!.end)
        expect(slab.first % 4).toBe(0)
        expect(slab.end - slab.first).toBeLessThanOrEqual(limit! - 64)
      })
    }
  }) // prettier-ignore
})
