import { describe, expect, it } from 'vitest'
import { compile } from '../../src/plan/compile.js'
import { input } from '../../src/graph/value.js'
import { normalNoise, uniformNoise } from '../../src/ops/index.js'
import { useGpu, withBindingLimit } from '../gpu.js'
import { fromArray, type NdArray } from '../reference/nd-array.js'
import * as reference from '../reference/noise.js'
import { expectSameBits, extents } from './check.js'

const device = useGpu()

/** Draws of one plan for several counters (seed, step). */
async function draw(
  shape: readonly number[],
  ...counters: (readonly [number, number])[]
): Promise<NdArray[]> {
  const counter = input('counter', [2], { dtype: 'u32' })
  const noise = uniformNoise(shape, counter)
  const plan = await compile(device.gpu, { outputs: [noise] })
  try {
    const drawn: NdArray[] = []
    for (const pair of counters) {
      plan.write(counter, Uint32Array.from(pair))
      await plan.run()
      drawn.push(fromArray(shape, await plan.read(noise)))
    }
    return drawn
  } finally {
    plan.dispose()
  }
}

describe('noise', () => {
  for (const [batch, channels] of [
    [1, 14],
    [2, 1],
    [3, 7],
  ])
    // prettier-ignore
    for (const extent of extents) {
      const shape = [batch!, channels!, ...extent]
      it(`[${shape.join(', ')}] has the bits of the reference`, async () => {
        const counters: [number, number][] = [
          [1, 0],
          [0xffffffff, 0x80000001],
        ]
        const drawn = await draw(shape, ...counters)
        counters.forEach((counter, i) => {
          expectSameBits(drawn[i]!, reference.uniformNoise(shape, ...counter), counter.join())
        })
      })
    }

  it('does not depend on how the volume is cut', async () => {
    const shape = [2, 5, 7, 11, 13]
    const [whole] = await draw(shape, [7, 3])
    for (const planes of [1, 2, 3]) {
      const bytes = 4 * (planes * 5 * 11 * 13 + 64)
      const [cut] = await withBindingLimit(device.gpu, bytes, () => draw(shape, [7, 3]))
      expectSameBits(cut!, whole!, `${planes} planes at once`)
    }
  })

  it('the same counter gives the same numbers, another seed or step others', async () => {
    const [first, again, otherSeed, otherStep] = await draw(
      [1, 14, 5, 7, 11],
      ...([[5, 9], [5, 9], [6, 9], [5, 10]] as const), // prettier-ignore
    )
    expectSameBits(again!, first!, 'same counter')
    for (const other of [otherSeed!, otherStep!]) {
      const equal = other.data.filter((value, i) => value === first!.data[i]).length
      // 5390 pairs of 23-bit numbers: even one coincidence is unlikely.
      expect(equal).toBeLessThanOrEqual(1)
      expect(Math.abs(correlation(first!.data, other.data))).toBeLessThan(5 / Math.sqrt(other.data.length))
    }
  })

  it('is uniform in (0, 1), channel by channel, and neighbours are not correlated', async () => {
    const [depth, height, width] = [8, 32, 64]
    const voxels = depth * height * width
    const [noise] = await draw([1, 5, depth, height, width], [12345, 678])
    expect(Math.min(...noise!.data)).toBeGreaterThan(0)
    expect(Math.max(...noise!.data)).toBeLessThan(1)
    const channels = Array.from({ length: 5 }, (_, c) => noise!.data.subarray(c * voxels, (c + 1) * voxels))
    for (const values of channels) {
      // Five standard errors of each estimate.
      expect(Math.abs(mean(values) - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / voxels))
      expect(Math.abs(variance(values) - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / voxels))
      for (const lag of [1, width, height * width]) {
        const r = correlation(values.subarray(lag), values.subarray(0, voxels - lag))
        expect(Math.abs(r), `lag ${lag}`).toBeLessThan(5 / Math.sqrt(voxels - lag))
      }
    }
    for (let c = 1; c < 5; c++)
      expect(Math.abs(correlation(channels[0]!, channels[c]!))).toBeLessThan(5 / Math.sqrt(voxels))
  })

  it('refuses a counter of another kind, and a shape that is not a volume', () => {
    const counter = input('counter', [2], { dtype: 'u32' })
    expect(() => uniformNoise([1, 1, 2, 2, 2], input('counter', [2]))).toThrow('two u32: seed, step')
    expect(() => uniformNoise([1, 1, 2, 2, 2], input('counter', [3], { dtype: 'u32' }))).toThrow('two u32')
    expect(() => uniformNoise([2, 2], counter)).toThrow('a volume [N,C,D,H,W] is needed')
  })
})

describe('normal noise', () => {
  const drawNormal = async (
    shape: readonly number[],
    counter: readonly [number, number],
    stream?: number,
  ) => {
    const value = input('counter', [2], { dtype: 'u32' })
    const noise = normalNoise(shape, value, stream === undefined ? {} : { stream })
    const plan = await compile(device.gpu, { outputs: [noise] })
    try {
      plan.write(value, Uint32Array.from(counter))
      await plan.run()
      return fromArray(shape, await plan.read(noise))
    } finally {
      plan.dispose()
    }
  }

  for (const shape of [
    ...extents.flatMap((extent) => [
      [1, 14, ...extent],
      [3, 7, ...extent],
    ]),
    [4097],
    [3, 5],
  ])
    it(`[${shape.join(', ')}] has the numbers of the reference`, async () => {
      for (const stream of [undefined, 3]) {
        const drawn = await drawNormal(shape, [0xffffffff, 7], stream)
        // Each number of a flat value is a voxel of its own.
        const as = shape.length === 5 ? shape : [1, 1, drawn.data.length]
        const { data } = reference.normalNoise(as, 0xffffffff, 7, stream)
        const worst = data.reduce((most, x, i) => Math.max(most, Math.abs(drawn.data[i]! - x)), 0)
        expect(drawn.data.every(Number.isFinite)).toBe(true)
        expect(worst).toBeLessThan(2e-6)
      }
    })

  it('does not depend on how the volume is cut', async () => {
    const shape = [2, 5, 7, 11, 13]
    const whole = await drawNormal(shape, [7, 3])
    for (const planes of [1, 2, 3]) {
      const bytes = 4 * (planes * 5 * 11 * 13 + 64)
      const cut = await withBindingLimit(device.gpu, bytes, () => drawNormal(shape, [7, 3]))
      expectSameBits(cut, whole, `${planes} planes at once`)
    }
  })

  it('has the moments and tails of a normal distribution, and channels are independent', async () => {
    const [channels, voxels] = [8, 32 * 32 * 64]
    const noise = await drawNormal([1, channels, 32, 32, 64], [12345, 678])
    const each = Array.from({ length: channels }, (_, c) => noise.data.subarray(c * voxels, (c + 1) * voxels))
    for (const values of each) {
      // Five standard errors of each estimate: those of the moments 1 to 4 are known of a normal distribution.
      const limit = (variance: number) => 5 * Math.sqrt(variance / voxels)
      const moment = (power: number) => values.reduce((sum, x) => sum + x ** power, 0) / voxels
      expect(Math.abs(moment(1))).toBeLessThan(limit(1))
      expect(Math.abs(moment(2) - 1)).toBeLessThan(limit(2))
      expect(Math.abs(moment(3))).toBeLessThan(limit(15))
      expect(Math.abs(moment(4) - 3)).toBeLessThan(limit(96))
      for (const lag of [1, 64, 32 * 64])
        expect(Math.abs(correlation(values.subarray(lag), values.subarray(0, voxels - lag)))).toBeLessThan(
          5 / Math.sqrt(voxels - lag),
        )
    }
    for (let c = 1; c < channels; c++)
      for (const of of [(x: number) => x, (x: number) => x * x])
        expect(Math.abs(correlation(each[0]!.map(of), each[c]!.map(of)))).toBeLessThan(6 / Math.sqrt(voxels))
    // The shares beyond 1 to 4 standard deviations, on either side.
    const all = noise.data
    for (const [beyond, share] of [
      [1, 0.158655254],
      [2, 0.022750132],
      [3, 0.001349898],
      [4, 3.16712e-5],
    ] as const)
      for (const side of [1, -1]) {
        const found = all.reduce((count, x) => count + Number(side * x > beyond), 0)
        const expected = share * all.length
        expect(Math.abs(found - expected), `beyond ${side * beyond}`).toBeLessThan(5 * Math.sqrt(expected))
      }
    expect(Math.max(...all.subarray(0, voxels))).toBeGreaterThan(3.5)
    expect(all.every((x) => Math.abs(x) < 5.78)).toBe(true)
  })

  it('refuses a counter or a stream of another kind, and flat values that are too long', () => {
    const counter = input('counter', [2], { dtype: 'u32' })
    expect(() => normalNoise([3], input('counter', [2]))).toThrow('normal_noise: the counter must be two u32')
    expect(() => normalNoise([3], counter, { stream: 65536 })).toThrow('normal_noise: the stream must be')
    expect(() => normalNoise([4194241], counter)).toThrow('more than 4194240 for flat values')
  })
})

describe('the reference', () => {
  it('covers the range of f32 numbers below 1', () => {
    const values = reference.uniformNoise([1, 4, 16, 16, 16], 1, 2).data
    expect(values.every((value) => value > 0 && value < 1 && Math.fround(value) === value)).toBe(true)
  })
})

const mean = (values: Float64Array): number => values.reduce((sum, x) => sum + x, 0) / values.length

function variance(values: Float64Array): number {
  const centre = mean(values)
  return values.reduce((sum, x) => sum + (x - centre) ** 2, 0) / values.length
}

function correlation(a: Float64Array, b: Float64Array): number {
  const [meanA, meanB] = [mean(a), mean(b)]
  const covariance = a.reduce((sum, x, i) => sum + (x - meanA) * (b[i]! - meanB), 0) / a.length
  return covariance / Math.sqrt(variance(a) * variance(b))
}
