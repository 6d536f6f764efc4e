import { describe, expect, it } from 'vitest'
import { Plateau, plateauOf, type PlateauOptions } from '../../../src/sae/training/plateau.js'
import { Random } from '../../../src/sae/phantom/random.js'

/** 0.3 + 2 exp(-n / 100) + noise: within 1 % of its fall after 460 values. */
function* decay(length: number, noise: number, seed = 1, offset = 0.3): Generator<number> {
  const random = new Random(seed)
  for (let n = 0; n < length; n++) yield offset + 2 * Math.exp(-n / 100) + noise * random.normal()
}

describe('plateauOf', () => {
  const options: PlateauOptions = { window: 20, patience: 3, tolerance: 0.01 }

  it('ends once a smooth series has done most of its fall', () => {
    const end = plateauOf(decay(2000, 0), options)!
    expect(end).toBeGreaterThan(300)
    expect(end).toBeLessThan(600)
  })

  it.each([1, 2, 3, 4, 5])('is not ended early by noise, nor kept going by it (seed %d)', (seed) => {
    const end = plateauOf(decay(2000, 0.05, seed), options)!
    expect(end).toBeGreaterThan(250)
    expect(end).toBeLessThan(700)
  })

  it('says the same of losses of any sign and unit', () => {
    const end = plateauOf(decay(2000, 0.05), options)
    expect(plateauOf(decay(2000, 0.05, 1, -7), options)).toBe(end)
    expect(
      plateauOf(
        [...decay(2000, 0.05)].map((value) => 1e6 * value),
        options,
      ),
    ).toBe(end)
  })

  it('measures by the distance to a floor, and so continues longer', () => {
    const fall = plateauOf(decay(2000, 0), options)!
    const left = plateauOf(decay(2000, 0), { ...options, floor: 0.29 })!
    expect(left).toBeGreaterThan(fall)
    expect(left).toBeLessThan(2000)
  })

  it('ends a constant or rising series after its patience', () => {
    expect(plateauOf(Array<number>(500).fill(0.7), options)).toBe(80)
    expect(plateauOf(Array<number>(500).fill(0), { ...options, floor: 0 })).toBe(80)
    expect(
      plateauOf(
        Array.from({ length: 500 }, (_, n) => n),
        { window: 1, patience: 5 },
      ),
    ).toBe(6)
  })

  it('does not end one that falls steadily, nor a short one', () => {
    expect(
      plateauOf(
        Array.from({ length: 500 }, (_, n) => -n),
        options,
      ),
    ).toBeUndefined()
    expect(plateauOf([1, 1, 1], { patience: 3 })).toBeUndefined()
    expect(plateauOf([], options)).toBeUndefined()
  })

  it('forgives one bad value', () => {
    const series = [...decay(2000, 0.02)]
    const end = plateauOf(series, options)!
    series[100] = 5
    expect(Math.abs(plateauOf(series, options)! - end)).toBeLessThanOrEqual(60)
  })

  it('refuses NaN, infinity and options out of range', () => {
    expect(() => plateauOf([1, NaN])).toThrow(/becomes NaN/)
    expect(() => plateauOf([1, Infinity])).toThrow(RangeError)
    expect(() => new Plateau({ window: 0 })).toThrow(/window of 0/)
    expect(() => new Plateau({ patience: 1.5 })).toThrow(/patience of 1\.5/)
    expect(() => new Plateau({ tolerance: NaN })).toThrow(/tolerance of NaN/)
  })
})

describe('Plateau', () => {
  it('resumes from its state as if it had never stopped', () => {
    const series = [...decay(2000, 0.05)]
    const options = { window: 20 }
    const end = plateauOf(series, options)!
    const before = new Plateau(options)
    for (const value of series.slice(0, 130)) before.observe(value)
    const after = new Plateau(options, JSON.parse(JSON.stringify(before.state)) as typeof before.state)
    const rest = series.slice(130).findIndex((value) => after.observe(value))
    expect(130 + rest + 1).toBe(end)
    expect(after.reached).toBe(true)
  })
})
