import { describe, expect, it } from 'vitest'
import { Random } from '../../../src/sae/phantom/random.js'
import { checkPrior, normalisePrior, priorArgmax } from '../../../src/sae/prior/prior.js'
import { blurPrior, priorFromLabels } from '../../../src/sae/prior/prior-from-labels.js'
import type { SpatialShape } from '../../../src/sae/shape.js'
import { userError } from '../../io/support.js'

const K = 5

/** Blocks of random classes (3 voxels wide), so that some classes touch the edges and some do not; class 3 is absent. */
function randomClasses(seed: number, [D, H, W]: SpatialShape): Uint8Array {
  const random = new Random(seed)
  const blocks = Array.from({ length: 1000 }, () => [0, 1, 2, 4][Math.floor(random.uniform() * 4)]!)
  return Uint8Array.from({ length: D * H * W }, (_, i) => {
    const [d, h, w] = [Math.floor(i / (H * W)), Math.floor(i / W) % H, i % W]
    return blocks[(Math.floor(d / 3) * 10 + Math.floor(h / 3)) * 10 + Math.floor(w / 3)]!
  })
}

interface Tap {
  readonly tap: number
  readonly weight: number
}

/** The three-dimensional sum over all taps at once, in float64: what `priorFromLabels` computes axis by axis. */
function naivePrior(classes: Uint8Array, [D, H, W]: SpatialShape, sigmas: SpatialShape): Float64Array {
  const [alongD, alongH, alongW] = sigmas.map((sigma) => {
    const radius = Math.floor(3 * sigma + 0.5)
    const taps = Array.from({ length: 2 * radius + 1 }, (_, t) => t - radius)
    const gauss = taps.map((t) => (t === 0 ? 1 : Math.exp(-(t * t) / (2 * sigma * sigma))))
    const total = gauss.reduce((a, b) => a + b, 0)
    return taps.map((tap, i) => ({ tap, weight: gauss[i]! / total }))
  }) as [Tap[], Tap[], Tap[]]
  const reflect = (i: number, n: number): number => {
    while (i < 0 || i >= n) i = i < 0 ? -1 - i : 2 * n - 1 - i
    return i
  }
  const prior = new Float64Array(K * D * H * W)
  for (let i = 0; i < D * H * W; i++) {
    const [d, h, w] = [Math.floor(i / (H * W)), Math.floor(i / W) % H, i % W]
    for (const a of alongD)
      for (const b of alongH)
        for (const c of alongW) {
          const from = (reflect(d + a.tap, D) * H + reflect(h + b.tap, H)) * W + reflect(w + c.tap, W)
          prior[classes[from]! * D * H * W + i]! += a.weight * b.weight * c.weight
        }
  }
  return prior
}

function worstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length)
  let worst = 0
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!)
    if (!(difference <= worst)) worst = difference // a NaN stays
  }
  return worst
}

describe('priorFromLabels', () => {
  it.each<[SpatialShape, number]>([
    [[13, 9, 11], 1.5],
    [[7, 10, 3], 1],
    [[2, 4, 1], 1.5], // narrower than the radius: edges reflect several times
  ])('blurs %j with sigma %d as the naive sum does', (shape, sigma) => {
    const classes = randomClasses(7, shape)
    const prior = priorFromLabels(classes, shape, K, { sigma })
    expect(worstDifference(prior, naivePrior(classes, shape, [sigma, sigma, sigma]))).toBeLessThan(3e-7)
    expect(checkPrior(prior, shape, K)).toBe(prior)
  })

  it('blurs each axis by its own sigma, an atlas too', () => {
    const shape: SpatialShape = [9, 8, 7]
    const sigma: SpatialShape = [0, 1.7, 0.6]
    const classes = randomClasses(9, shape)
    const expected = naivePrior(classes, shape, sigma)
    expect(worstDifference(priorFromLabels(classes, shape, K, { sigma }), expected)).toBeLessThan(3e-7)
    const atlas = priorFromLabels(classes, shape, K, { sigma: 0 })
    expect(worstDifference(blurPrior(atlas, shape, K, sigma), expected)).toBeLessThan(3e-7)
  })

  it.each([2, 3, 4, 9])('keeps every voxel in %d of the blurred ones', (every) => {
    const shape: SpatialShape = [7, 8, 9]
    const classes = randomClasses(11, shape)
    const whole = priorFromLabels(classes, shape, K)
    const expected: number[] = []
    for (let c = 0; c < K; c++)
      for (let d = 0; d < 7; d += every)
        for (let h = 0; h < 8; h += every)
          for (let w = 0; w < 9; w += every) expected.push(whole[((c * 7 + d) * 8 + h) * 9 + w]!)
    expect([...priorFromLabels(classes, shape, K, { every })]).toEqual(expected)
  })

  it('keeps a class within its radius: the support ends there', () => {
    const shape: SpatialShape = [15, 15, 15]
    const classes = new Uint8Array(15 ** 3)
    classes[(7 * 15 + 7) * 15 + 7] = 1
    const channel = priorFromLabels(classes, shape, 2).subarray(15 ** 3)
    const along = Array.from({ length: 15 }, (_, w) => channel[(7 * 15 + 7) * 15 + w]! > 0)
    expect(along).toEqual(Array.from({ length: 15 }, (_, w) => Math.abs(w - 7) <= 5))
  })

  it('is the one-hot map without blur', () => {
    const shape: SpatialShape = [4, 5, 6]
    const classes = randomClasses(3, shape)
    const prior = priorFromLabels(classes, shape, K, { sigma: 0 })
    expect(prior.reduce((a, b) => a + b, 0)).toBe(120)
    expect(priorArgmax(prior, K)).toEqual(classes)
  })

  it('cuts at the floor and normalises what is left', () => {
    const shape: SpatialShape = [12, 12, 12]
    const classes = randomClasses(5, shape)
    const whole = priorFromLabels(classes, shape, K)
    const cut = priorFromLabels(classes, shape, K, { floor: 1e-3, normalise: false })
    expect(cut).toEqual(whole.map((value) => (value < 1e-3 ? 0 : value)))
    expect(cut).not.toEqual(whole)
    expect(priorFromLabels(classes, shape, K, { floor: 1e-3 })).toEqual(normalisePrior(cut.slice(), K))
  })

  it('refuses codes that are no classes, and another number of voxels', () => {
    const of = (...classes: number[]) =>
      userError(() => priorFromLabels(Uint8Array.from(classes), [1, 2, 2], 3))
    expect(of(0, 2, 3, 41)).toContain('voxel 2 has class 3; give 0 to 2')
    expect(of(0, 2, 1)).toContain('3 voxels of 1x2x2')
    expect(of(0, 2, 1, 1, 1)).toContain('5 voxels of 1x2x2')
  })

  it('refuses settings out of range', () => {
    const classes = new Uint8Array(8)
    expect(userError(() => priorFromLabels(classes, [2, 2, 2], 2, { sigma: -1 }))).toContain('-1 voxels')
    expect(userError(() => priorFromLabels(classes, [2, 2, 2], 2, { sigma: [1, 101, 1] }))).toContain(
      '101 voxels',
    )
    expect(userError(() => priorFromLabels(classes, [2, 2, 2], 2, { sigma: NaN }))).toContain('NaN voxels')
    expect(userError(() => priorFromLabels(classes, [2, 2, 2], 2, { floor: 0.5 }))).toContain('floor 0.5')
    for (const every of [0, -1, 1.5, NaN, Infinity])
      expect(userError(() => priorFromLabels(classes, [2, 2, 2], 2, { every }))).toBe(
        `every must be a whole number of at least 1, not ${every}`,
      )
  })
})

describe('normalisePrior', () => {
  it('scales each voxel to a sum of 1', () => {
    expect([...normalisePrior(Float32Array.of(1, 0, 3, 2), 2)]).toEqual([0.25, 0, 0.75, 1])
  })

  it('refuses a voxel without any probability', () => {
    expect(userError(() => normalisePrior(Float32Array.of(1, 0, 3, 0), 2, 'p.nii'))).toMatch(
      /^p\.nii: voxel 1 /,
    )
    expect(userError(() => normalisePrior(Float32Array.of(1, NaN, 3, 0), 2))).toContain('NaN')
  })
})

it('the classes of a prior must be of equal size', () => {
  const seven = new Float32Array(7).fill(0.5)
  for (const f of [normalisePrior, priorArgmax])
    expect(userError(() => f(seven, 2))).toBe('prior: 7 values, but 2 classes')
})

describe('checkPrior', () => {
  const shape: SpatialShape = [1, 2, 2]
  const check = (...values: number[]): string =>
    userError(() => checkPrior(Float32Array.from(values), shape, 2, 'prior.nii'))

  it('accepts sums within 0.001 of 1', () => {
    const prior = Float32Array.of(0.5, 0, 1, 0.3, 0.5, 1, 0, 0.7009)
    expect(checkPrior(prior, shape, 2)).toBe(prior)
  })

  it('names the worst voxel and its sum', () => {
    expect(check(0.5, 0, 1, 0.3, 0.5, 1.002, 0, 0.75)).toMatch(
      /^prior\.nii: .* sum to 1\.05 at voxel \[0, 1, 1\]/,
    )
  })

  it('refuses negative, infinite and missing values', () => {
    expect(check(0.5, 0, 1, 1.1, 0.5, 1, 0, -0.1)).toMatch(/class 1 at voxel \[0, 1, 1\] is -0\.1/)
    expect(check(0.5, NaN, 1, 1, 0.5, 1, 0, 0)).toMatch(/class 0 at voxel \[0, 0, 1\] is NaN/)
    expect(check(0.5, Infinity, 1, 1, 0.5, 1, 0, 0)).toContain('Infinity')
    expect(check(1, 1, 1, 1)).toContain('4 values, but 2 classes of 1x2x2 voxels need 8')
  })
})

describe('priorArgmax', () => {
  it('gives the first of the largest', () => {
    expect([...priorArgmax(Float32Array.of(0.2, 0.4, 0.1, 0.3, 0.4, 0.1, 0.5, 0.2, 0.8), 3)]).toEqual([
      2, 0, 2,
    ])
  })
})
