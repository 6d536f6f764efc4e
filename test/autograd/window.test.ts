import { describe, expect, it } from 'vitest'
import { UserError } from '../../src/errors.js'
import type { DeviceTraits } from '../../src/autograd/node.js'
import { input } from '../../src/autograd/value.js'
import { elementSlabs, linearGroups, planes, slabs, type Slab } from '../../src/autograd/window.js'

const device = (bindingElements: number): DeviceTraits => ({
  bindingElements,
  uniformBytes: 65536,
  software: true,
})

/** Expects [0, count) to be covered once, in order. */
function expectPartition(cut: readonly Slab[], count: number): void {
  expect(cut[0]!.first).toBe(0)
  expect(cut.at(-1)!.last).toBe(count)
  cut.forEach(({ first, last }, i) => {
    expect(last).toBeGreaterThan(first)
    if (i > 0) expect(first).toBe(cut[i - 1]!.last)
  })
}

describe('planes', () => {
  it('are windows in memory order, clamped to the volume', () => {
    const x = input('x', [2, 3, 5, 7, 11])
    expect(planes(x, 4, 6)).toEqual({ value: x, start: 4 * 231, end: 6 * 231 })
    expect(planes(x, -2, 1)).toEqual({ value: x, start: 0, end: 231 })
    expect(planes(x, 8, 13)).toEqual({ value: x, start: 8 * 231, end: 10 * 231 })
  })
})

describe('slabs', () => {
  const x = input('x', [2, 3, 23, 7, 11])
  const size = 231
  const withHalo =
    (halo: number) =>
    ({ first, last }: Slab) => [planes(x, first - halo, last + halo)]

  it('is one slab where everything fits, with room to align the start', () => {
    expect(slabs(46, device(46 * size + 64), withHalo(0))).toEqual([{ first: 0, last: 46 }])
    expect(slabs(46, device(46 * size + 63), withHalo(0))).toHaveLength(2)
  })

  it('cuts into as few as fit, for every limit', () => {
    for (const halo of [0, 1, 3])
      for (let fit = 1 + 2 * halo; fit <= 46; fit++) {
        const cut = slabs(46, device(fit * size + 64), withHalo(halo))
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
    const both = ({ first, last }: Slab) => [planes(x, first, last), planes(y, first, last)]
    expect(slabs(46, device(2 * 10 * size + 64), both)).toHaveLength(23)
  })

  it('keeps within the workgroups of one dispatch', () => {
    const thin = input('thin', [1, 1, 200_000, 1, 1])
    const all = ({ first, last }: Slab) => [planes(thin, first, last)]
    for (const perPlane of [1, 2, 7]) {
      const cut = slabs(200_000, device(2 ** 25), all, perPlane)
      expectPartition(cut, 200_000)
      for (const { first, last } of cut) expect((last - first) * perPlane).toBeLessThanOrEqual(65535)
    }
  })

  it('says what is too large, and what to do', () => {
    const attempt = () => slabs(46, device(3 * size + 63), withHalo(1))
    expect(attempt).toThrow(UserError)
    expect(attempt).toThrow(
      'x [2, 3, 23, 7, 11]: the planes that one step reads take 2772 bytes, more than the 2768 that this device shows a kernel at once; crop the volume',
    )
  })
})

describe('elementSlabs', () => {
  it('covers everything once, from aligned starts', () => {
    for (const [count, limit, multiple] of [[1, 64, 64], [64, 64, 64], [65, 64, 64], [100_003, 4099, 64], [100_003, 10_000, 4096]]) {
      const cut = elementSlabs(count!, device(limit!), multiple)
      expectPartition(cut, count!)
      for (const { first, last } of cut) {
        expect(first % multiple!).toBe(0)
        expect(last - first).toBeLessThanOrEqual(limit!)
      }
    }
  }) // prettier-ignore

  it('refuses a device that binds less than one multiple', () => {
    expect(() => elementSlabs(10, device(4095), 4096)).toThrow('binds 16380 bytes, fewer than 16384')
  })
})

describe('linearGroups', () => {
  it('has a workgroup for every 64 elements, no dimension above 65535', () => {
    for (const count of [1, 64, 65, 65535 * 64, 65535 * 64 + 1, 96_337_920, 2 ** 31]) {
      const [x, y, z] = linearGroups(count)
      expect(x * y * 64).toBeGreaterThanOrEqual(count)
      expect((x * y - y) * 64).toBeLessThan(count)
      expect(Math.max(x, y)).toBeLessThanOrEqual(65535)
      expect(z).toBe(1)
    }
  })
})
