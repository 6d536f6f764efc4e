import { describe, expect, it } from 'vitest'
import { BiasField } from '../../../src/sae/mixture/bias-field.js'
import type { SpatialShape } from '../../../src/sae/shape.js'
import { mulberry32 } from '../../reference/nd-array.js'

/** A field of order 3, and a scan of two intensities under it, with zeros outside a ball. */
function shadedBall(shape: SpatialShape): { field: Float64Array; truth: Float32Array; scan: Float32Array } {
  const [D, H, W] = shape
  const random = mulberry32(3)
  const voxels = D * H * W
  const place = (i: number) => [Math.floor(i / (H * W)), Math.floor(i / W) % H, i % W] as const
  const truth = Float32Array.from({ length: voxels }, (_, i) => {
    const [d, h, w] = place(i)
    const radius = Math.hypot((2 * d + 1) / D - 1, (2 * h + 1) / H - 1, (2 * w + 1) / W - 1)
    return radius > 0.9 ? 0 : random() < 0.4 ? 100 : 200
  })
  const logField = Float64Array.from({ length: voxels }, (_, i) => {
    const [d, h, w] = place(i)
    const along = (order: number, at: number, n: number) => Math.cos((Math.PI * order * (at + 0.5)) / n)
    return 0.2 * along(1, d, D) - 0.15 * along(1, d, D) * along(2, w, W) + 0.1 * along(2, h, H)
  })
  const field = logField.map(Math.exp)
  return { field, truth, scan: truth.map((value, i) => value * field[i]!) }
}

const spread = (values: ArrayLike<number>, inside: (i: number) => boolean): number => {
  const logs = Array.from(values, Math.log).filter((_, i) => inside(i))
  const mean = logs.reduce((a, b) => a + b, 0) / logs.length
  return Math.sqrt(logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / logs.length)
}

describe('BiasField', () => {
  it.each<SpatialShape>([
    [17, 13, 19], // every voxel is a sample
    [61, 53, 47], // one in eight is
  ])('finds a field of its order in %j from the intensities behind it', (...shape) => {
    const { field, truth, scan } = shadedBall(shape)
    const inside = (i: number) => truth[i]! > 0
    const fitted = new BiasField(scan, shape, 3)
    expect(fitted.values().every((value) => value === 1)).toBe(true)
    let corrected = scan
    for (let step = 0; step < 6; step++) {
      fitted.refit(
        corrected,
        (voxel) => truth[voxel]!,
        () => 1,
      )
      const values = fitted.values()
      corrected = scan.map((value, i) => value / values[i]!)
    }
    const ratio = fitted.values().map((value, i) => value / field[i]!)
    expect(spread(field, inside)).toBeGreaterThan(0.1)
    // A sum of cosines up to a constant, which belongs to the intensities.
    expect(spread(ratio, inside)).toBeLessThan(0.01)
    const logs = fitted
      .values()
      .filter((_, i) => inside(i))
      .map(Math.log)
    expect(Math.abs(logs.reduce((a, b) => a + b, 0) / logs.length)).toBeLessThan(0.01)
  })

  it('stays 1 if there is nothing to learn', () => {
    const shape: SpatialShape = [1, 4, 3]
    for (const value of [0, 5]) {
      const scan = new Float32Array(12).fill(value)
      const field = new BiasField(scan, shape, 4)
      field.refit(
        scan,
        () => value,
        () => 1,
      )
      expect(field.values()).toEqual(new Float32Array(12).fill(1))
    }
  })

  it('is the same field on a finer grid, where its blocks begin and beyond', () => {
    const shape: SpatialShape = [5, 6, 4]
    const { truth, scan } = shadedBall(shape)
    const fitted = new BiasField(scan, shape, 3)
    fitted.refit(
      scan,
      (voxel) => truth[voxel]!,
      () => 1,
    )
    const values = fitted.values()
    expect(fitted.values({ shape, block: 1, start: [0, 0, 0] })).toEqual(values)
    // Blocks of three voxels: the middle one lies where the block does.
    const finer = fitted.values({ shape: [16, 20, 14], block: 3, start: [1, 2, 2] })
    const at = (d: number, h: number, w: number) => finer[(d * 20 + h) * 14 + w]!
    values.forEach((value, i) => {
      const [d, h, w] = [Math.floor(i / 24), Math.floor(i / 4) % 6, i % 4]
      expect(at(1 + 3 * d + 1, 2 + 3 * h + 1, 2 + 3 * w + 1)).toBeCloseTo(value, 6)
    })
    // Mirrored at the ends of the blocks.
    expect(at(0, 5, 5)).toBeCloseTo(at(1, 5, 5), 6)
    expect(at(5, 1, 5)).toBeCloseTo(at(5, 2, 5), 6)
    expect(at(5, 0, 5)).toBeCloseTo(at(5, 3, 5), 6)
  })
})
