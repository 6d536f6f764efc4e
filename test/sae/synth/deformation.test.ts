import { describe, expect, it } from 'vitest'
import { Random } from '../../../src/sae/phantom/random.js'
import type { SpatialShape } from '../../../src/sae/shape.js'
import {
  affine,
  determinant,
  diagonal,
  invert,
  linearPart,
  multiply,
  rotation,
} from '../../../src/sae/synth/affine.js'
import { Deformation, type DeformationOptions } from '../../../src/sae/synth/deformation.js'
import { warpImage, warpLabels, warpPrior } from '../../../src/sae/synth/warp.js'
import { userError } from '../../io/support.js'

const shapes: SpatialShape[] = [
  [7, 5, 11],
  [1, 13, 2],
  [1, 1, 1],
]

const everything: DeformationOptions = {
  rotation: 20,
  scale: 0.2,
  shear: 0.1,
  shift: 2,
  displacement: 1,
  wavelength: 5,
}

function randomValues(seed: number, count: number): Float32Array {
  const random = new Random(seed)
  return Float32Array.from({ length: count }, () => random.uniform())
}

function positions(deformation: Deformation): [number, number, number][] {
  const found: [number, number, number][] = []
  deformation.forEachRow((_, x, y, z) => {
    x.forEach((_, w) => found.push([x[w]!, y[w]!, z[w]!]))
  })
  return found
}

/** The voxels of a ball. */
function ball([D, H, W]: SpatialShape, radius: number): Uint8Array {
  return Uint8Array.from({ length: D * H * W }, (_, i) => {
    const [d, h, w] = [Math.floor(i / (H * W)), Math.floor(i / W) % H, i % W]
    return Math.hypot(d - (D - 1) / 2, h - (H - 1) / 2, w - (W - 1) / 2) < radius ? 1 : 0
  })
}

function volume(labels: Uint8Array): number {
  return labels.reduce((sum, c) => sum + c, 0)
}

describe('Deformation', () => {
  it.each(shapes)('of no extent gives label maps and scans of %i x %i x %i back, to the bit', (...shape) => {
    const scan = randomValues(1, shape[0] * shape[1] * shape[2])
    const labels = Uint8Array.from(scan, (value) => Math.floor(value * 14))
    const still = Deformation.random(new Random(1), {}, { source: shape, spacing: [0.7, 3, 1.3] })
    expect(warpLabels(labels, still)).toEqual(labels)
    expect(warpImage(scan, still)).toEqual(scan)
    expect(warpPrior(scan, still)).toEqual(scan)
  })

  it('aligns centres if shapes differ; beyond the source is background', () => {
    const labels = Uint8Array.from({ length: 27 }, (_, i) => i + 1)
    const grow = Deformation.random(new Random(1), {}, { source: [3, 3, 3], output: [5, 3, 1] })
    const grown = warpLabels(labels, grow)
    expect([...grown]).toEqual([0, 0, 0, 2, 5, 8, 11, 14, 17, 20, 23, 26, 0, 0, 0])
    expect([...warpImage(Float32Array.from(labels), grow)]).toEqual([...grown])
    expect([...warpPrior(Float32Array.from(labels), grow)].slice(0, 3)).toEqual([1, 1, 1])
  })

  it('is the displacement of its fields, then an affine map', () => {
    const [shape, spacing] = [
      [6, 7, 5],
      [1, 2, 3],
    ] as [SpatialShape, SpatialShape]
    const grid = { source: shape, spacing }
    const straight = Deformation.random(new Random(4), { ...everything, displacement: 0 }, grid)
    const [[a, b, c, t], ...others] = straight.map
    expect(positions(straight)[2 * 35 + 3 * 5 + 4]).toEqual([
      a * 2 + b * 3 + c * 4 + t,
      ...others.map(([p, q, r, s]) => p * 2 + q * 3 + r * 4 + s),
    ])
    // The affine map comes first from the stream, so that both share it.
    const bent = positions(Deformation.random(new Random(4), everything, grid))
    const still = positions(straight)
    const back = invert(linearPart(straight.map))
    const moved = bent.map((p, i) => {
      const apart = p.map((value, axis) => value - still[i]![axis]!)
      return back.map(
        (row, axis) => (row[0] * apart[0]! + row[1] * apart[1]! + row[2] * apart[2]!) * spacing[axis]!,
      )
    })
    const deviation = Math.sqrt(moved.flat().reduce((sum, u) => sum + u * u, 0) / (3 * moved.length))
    expect(deviation).toBeGreaterThan(0.6)
    expect(deviation).toBeLessThan(1.4)
  })

  it('enlarges a ball by the volume that its scales say', () => {
    const shape: SpatialShape = [41, 41, 41]
    const labels = ball(shape, 12)
    for (const seed of [1, 2, 3]) {
      const options = { rotation: 30, scale: 0.2, shear: 0.1 }
      const deformation = Deformation.random(new Random(seed), options, { source: shape })
      const expected = volume(labels) / determinant(linearPart(deformation.map))
      expect(Math.abs(volume(warpLabels(labels, deformation)) / expected - 1)).toBeLessThan(0.02)
    }
  })

  it('keeps volumes in millimetres if voxels are not cubes', () => {
    const shape: SpatialShape = [41, 21, 41]
    const deformation = Deformation.random(
      new Random(2),
      { rotation: 45 },
      { source: shape, spacing: [1, 2, 1] },
    )
    expect(determinant(linearPart(deformation.map))).toBeCloseTo(1, 12)
    const columns = [0, 1, 2].map((c) => {
      const spacing = [1, 2, 1]
      return Math.hypot(...deformation.map.map((row, r) => (row[c]! * spacing[r]!) / spacing[c]!))
    })
    for (const length of columns) expect(length).toBeCloseTo(1, 12)
  })

  it('does not fold: the displacement alone keeps the order of neighbours', () => {
    const options = { displacement: 5, wavelength: 20 }
    const [D, H, W] = [20, 20, 20]
    for (let seed = 1; seed <= 10; seed++) {
      const at = positions(Deformation.random(new Random(seed), options, { source: [D, H, W] }))
      let folded = 0
      for (let i = 0; i < at.length; i++) {
        if (i % W < W - 1 && !(at[i + 1]![2] > at[i]![2])) folded++
        if (i < at.length - H * W && !(at[i + H * W]![0] > at[i]![0])) folded++
      }
      expect(folded / at.length).toBeLessThan(0.002)
    }
  })

  it('takes any placement, axes turned and voxels of another size', () => {
    const labels = Uint8Array.from({ length: 2 * 3 * 4 }, (_, i) => i)
    const placement = affine(
      [
        [0, 0, 1],
        [-1, 0, 0],
        [0, 2, 0],
      ],
      [0, 2, 0],
    )
    const grid = { source: [2, 3, 4], output: [3, 2, 2], placement } as const
    const turned = warpLabels(labels, Deformation.random(new Random(1), {}, grid))
    const at = (d: number, h: number, w: number): number => labels[(w * 3 + (2 - d)) * 4 + 2 * h]!
    const expected = [0, 1, 2].flatMap((d) => [0, 1].flatMap((h) => [0, 1].map((w) => at(d, h, w))))
    expect([...turned]).toEqual(expected)
  })

  it('gives the same for the same seed, and another for another', () => {
    const draw = (seed: number) =>
      positions(Deformation.random(new Random(seed), everything, { source: [3, 4, 5] }))
    expect(draw(7)).toEqual(draw(7))
    expect(draw(8)).not.toEqual(draw(7))
  })

  it.each<[DeformationOptions, string]>([
    [{ rotation: 46 }, 'rotation of 46 degrees; give 0 to 45 degrees'],
    [{ scale: -0.1 }, 'change of scale of -0.1'],
    [{ shear: NaN }, 'shear of NaN'],
    [{ shift: Infinity }, 'shift of Infinity mm'],
    [{ displacement: 6, wavelength: 20 }, 'displacement of 6 mm; give 0 to 5 mm'],
    [{ wavelength: 0 }, 'wavelength of 0 mm'],
  ])('refuses %j', (options, message) => {
    const make = () => Deformation.random(new Random(1), options, { source: [3, 3, 3] })
    expect(userError(make)).toContain(message)
  })
})

describe('warpImage', () => {
  it('is trilinear, at edges and between channels too', () => {
    const source: SpatialShape = [4, 5, 3]
    const voxels = 60
    const values = randomValues(2, 2 * voxels)
    const deformation = Deformation.random(new Random(3), everything, { source, output: [5, 4, 7] })
    const beyond = [0.25, 0.75]
    const at = (c: number, d: number, h: number, w: number): number => {
      const inside = d >= 0 && d < 4 && h >= 0 && h < 5 && w >= 0 && w < 3
      return inside ? values[c * voxels + (d * 5 + h) * 3 + w]! : beyond[c]!
    }
    const mix = (t: number, a: number, b: number): number => (1 - t) * a + t * b
    const expected = [0, 1].flatMap((c) =>
      positions(deformation).map(([x, y, z]) => {
        const [d, h, w] = [Math.floor(x), Math.floor(y), Math.floor(z)]
        const line = (i: number, j: number) => mix(z - w, at(c, i, j, w), at(c, i, j, w + 1))
        const plane = (i: number) => mix(y - h, line(i, h), line(i, h + 1))
        return mix(x - d, plane(d), plane(d + 1))
      }),
    )
    const warped = warpImage(values, deformation, beyond)
    expect(warped.length).toBe(expected.length)
    warped.forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6)
    })
    expect(warped.some((value) => value === 0.25)).toBe(true)
  })
})

describe('rotation', () => {
  it('is orthonormal and undone by its inverse', () => {
    const turn = rotation([0.1, -0.2, 0.3])
    const product = multiply(turn, invert(turn)).flat()
    product.forEach((value, i) => {
      expect(value).toBeCloseTo(diagonal([1, 1, 1]).flat()[i]!, 12)
    })
    expect(determinant(turn)).toBeCloseTo(1, 12)
  })

  it('turns about an axis by twice the arc tangent', () => {
    const [sine, cosine] = [Math.sin(0.7), Math.cos(0.7)]
    const expected = [1, 0, 0, 0, cosine, -sine, 0, sine, cosine]
    rotation([Math.tan(0.35), 0, 0])
      .flat()
      .forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i]!, 12)
      })
  })

  it('of a random deformation reaches the angle asked for and not beyond', () => {
    let most = 0
    for (let seed = 1; seed <= 200; seed++) {
      const { map } = Deformation.random(new Random(seed), { rotation: 40 }, { source: [9, 9, 9] })
      const m = linearPart(map)
      // The vector part of the rotation's quaternion, its scalar part 1: half-angle tangents about D, H, W.
      const n = 1 + m[0][0] + m[1][1] + m[2][2]
      const tangents = [m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1]].map((value) => value / n)
      for (const tangent of tangents)
        most = Math.max(most, (2 * Math.atan(Math.abs(tangent)) * 180) / Math.PI)
    }
    expect(most).toBeGreaterThan(39)
    expect(most).toBeLessThan(40.01)
  })
})
