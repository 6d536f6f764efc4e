import { describe, expect, it } from 'vitest'
import { checkpointInfo } from '../../src/sae/checkpoint.js'
import {
  applyScaling,
  robustScaling,
  scalingFor,
  unitScaling,
  type Intensities,
} from '../../src/sae/intensity.js'
import { createModel } from '../../src/sae/model.js'
import { Random } from '../../src/sae/phantom/random.js'
import { userError } from '../io/support.js'

/** Three voxels in four are 0, the others spread evenly from 2 to 118 grey levels of 255, as bright as real scans. */
function scan(): Float32Array {
  const random = new Random(3)
  return Float32Array.from({ length: 4000 }, (_, i) =>
    i % 4 === 0 ? Math.round(60 + random.within(58)) / 255 : 0,
  )
}

const changed = (data: Float32Array, at: number, value: number): Float32Array =>
  data.map((old, i) => (i === at ? value : old))

const scaled = (mode: Intensities, data: Float32Array): Float32Array =>
  applyScaling(data, scalingFor(mode, data))

/** The largest difference between two scans, but for one voxel. NaN if any voxel is. */
function apart(a: Float32Array, b: Float32Array, except = -1): number {
  expect(b).toHaveLength(a.length)
  return a.reduce((most, value, i) => (i === except ? most : Math.max(most, Math.abs(value - b[i]!))), 0)
}

const variants: [string, (data: Float32Array) => Float32Array, number?][] = [
  ['as uint8', (data) => data.map((value) => Math.round(255 * value))],
  ['as int16 about -1024', (data) => data.map((value) => Math.round(2000 * value) - 1024)],
  ['times 0.3', (data) => data.map((value) => 0.3 * value)],
  ['times 0.01', (data) => data.map((value) => 0.01 * value)],
  ['with one hot voxel', (data) => changed(data, 8, 1000), 8],
  ['as uint8 with one hot voxel', (data) => changed(data, 8, 3.9).map((v) => Math.round(255 * v)), 8],
  ['with one tiny negative', (data) => changed(data, 1, -1e-6), 1],
]

for (const mode of ['robust', 'unit'] as const) {
  describe(`${mode} intensities`, () => {
    for (const [name, change, except] of variants) {
      it(`are the same ${name}`, () => {
        const data = scan()
        expect(apart(scaled(mode, data), scaled(mode, change(data)), except)).toBeLessThan(0.005)
      })
    }
  })
}

describe('robustScaling', () => {
  it('puts the background at 0 and the 99.5th percentile of the foreground at 0.9', () => {
    for (const background of [0, -1024, 7]) {
      const data = Float32Array.from({ length: 5001 }, (_, i) => background + (i <= 1000 ? i : 0))
      const values = applyScaling(data, robustScaling(data))
      expect(values[0]).toBe(0)
      expect(values[995]).toBeCloseTo(0.9, 2)
      expect(values[498]).toBeCloseTo(0.45, 2)
    }
  })

  it('does not count how much of the scan is empty', () => {
    const data = scan()
    const wider = new Float32Array(100 * data.length)
    wider.set(data)
    expect(robustScaling(wider)).toEqual(robustScaling(data))
  })

  it('takes the darkest voxels for 0 if no value is shared at the bottom', () => {
    const random = new Random(1)
    const noise = Float32Array.from({ length: 10_000 }, () => 50 + random.within(50))
    const { low } = robustScaling(noise)
    expect(low).toBeGreaterThan(0)
    expect(low).toBeLessThan(1)
    // The value that most voxels share lies in the middle of the others.
    const standardised = noise.map((value, i) => (i % 2 === 0 ? 0 : value - 50))
    expect(robustScaling(standardised).low).toBeLessThan(-45)
    // A bright background is none of the bottom.
    expect(robustScaling(noise.map((value, i) => (i % 2 === 0 ? 200 : value))).low).toBeLessThan(2)
  })

  it('takes the second brightest of a few voxels for the top, because one may be hot', () => {
    const few = changed(Float32Array.of(0, 0, 0, 0, 1, 2, 3, 4), 7, 1000)
    expect(applyScaling(few, robustScaling(few))[6]).toBeCloseTo(0.9, 6)
  })

  it('scales a single voxel, and makes a constant scan 0', () => {
    const one = changed(new Float32Array(27), 13, 5)
    expect(applyScaling(one, robustScaling(one))[13]).toBeCloseTo(0.9, 6)
    for (const value of [0, -1024, 3, 1e20, -1e20]) {
      const constant = new Float32Array(27).fill(value)
      expect(applyScaling(constant, robustScaling(constant))).toEqual(new Float32Array(27))
    }
  })
})

describe('the scaling of a scan', () => {
  it.each([
    ['without voxels', [], 'a scan without voxels has no intensities'],
    ['with a NaN', [1, NaN, 2, 3], 'voxel 1 is NaN; replace it'],
    ['of NaN alone', [NaN, NaN], 'voxel 0 is NaN; replace it'],
    ['with an infinity', [1, 2, -Infinity], 'voxel 2 is -Infinity; replace it'],
  ])('is refused %s', (_, numbers, message) => {
    const data = Float32Array.from(numbers)
    for (const scalingOf of [robustScaling, unitScaling])
      expect(userError(() => scalingOf(data))).toBe(message)
  })

  it('is not applied if it has no range', () => {
    for (const high of [1, 0, NaN])
      expect(() => applyScaling(Float32Array.of(1, 2), { low: 1, high })).toThrow(
        `intensities cannot be scaled from 1 to ${high}`,
      )
  })
})

describe('unitScaling', () => {
  it('leaves a scan in 0..1 unchanged, to the bit', () => {
    const data = scan()
    expect(unitScaling(data)).toEqual({ low: 0, high: 1 })
    expect(scaled('unit', data)).toEqual(data)
  })

  it('scales others to the brightness of the reference release', () => {
    const data = Float32Array.from({ length: 5001 }, (_, i) => (i <= 1000 ? i : 0))
    expect(scaled('unit', data)[995]).toBeCloseTo(0.459, 2)
  })
})

describe('a checkpoint', () => {
  const tensors = new Map(
    createModel({ classes: 2, widths: [2, 3], instanceNorm: false }).parameters.map(
      ({ name, shape, initial }) => [name, { shape, data: initial as Float32Array }] as const,
    ),
  )
  const architecture = JSON.stringify({ classes: 2, widths: [2, 3], instanceNorm: false })
  const intensities = (metadata: Record<string, string>) =>
    checkpointInfo({ tensors, metadata }, 'w.safetensors').intensities

  it('says how scans are scaled; older ones and the reference release are for scans in 0..1', () => {
    const ours = { format: 'sae-webgpu 1', architecture }
    expect(intensities({ ...ours, intensities: 'robust' })).toBe('robust')
    expect(intensities({ ...ours, intensities: 'unit' })).toBe('unit')
    expect(intensities(ours)).toBe('unit')
    expect(intensities({})).toBe('unit')
    expect(userError(() => intensities({ ...ours, intensities: 'zscore' }))).toMatch(/^w\.saf.*"zscore"/)
  })
})
