import { describe, expect, it } from 'vitest'
import { unknownGrid } from '../../src/io/volume.js'
import type { LabelTable } from '../../src/sae/labels/label-table.js'
import { apply, linearPart, type Affine, type Triple } from '../../src/sae/synth/affine.js'
import { alignment, centroidsOf, fitAffine } from '../../tools/experiment/alignment.js'

/** Turns axes, flips one, stretches, shears and shifts. */
const map: Affine = [
  [0.1, 1.2, 0.05, 3],
  [0, -0.1, -0.9, 40.5],
  [1.1, 0, 0.2, -7],
]

function image(affine: Affine, point: Triple): Triple {
  const [a, b, c] = apply(linearPart(affine), point)
  return [a + affine[0][3], b + affine[1][3], c + affine[2][3]]
}

const points = Array.from({ length: 9 }, (_, i): Triple => [
  10 * Math.sin(i),
  8 * Math.cos(3 * i),
  (i * i) % 7,
])

describe('fitAffine', () => {
  it('finds the map that points went through', () => {
    const fitted = fitAffine(
      points,
      points.map((point) => image(map, point)),
    )
    fitted.flat().forEach((value, i) => {
      expect(value).toBeCloseTo(map.flat()[i]!, 9)
    })
  })

  it('has the least squared error: no small change of it is better', () => {
    const noisy = points.map((point, i): Triple => {
      const [a, b, c] = image(map, point)
      return [a + Math.sin(13 * i), b + Math.cos(17 * i), c - Math.sin(5 * i)]
    })
    const error = (affine: Affine): number =>
      points.reduce((sum, point, i) => {
        const [a, b, c] = image(affine, point)
        return sum + (a - noisy[i]![0]) ** 2 + (b - noisy[i]![1]) ** 2 + (c - noisy[i]![2]) ** 2
      }, 0)
    const fitted = fitAffine(points, noisy)
    const least = error(fitted)
    expect(least).toBeGreaterThan(0.1)
    for (let entry = 0; entry < 12; entry++) {
      for (const step of [-0.01, 0.01]) {
        const moved = fitted.map((row, r) =>
          row.map((value, c) => (4 * r + c === entry ? value + step : value)),
        ) as unknown as Affine
        expect(error(moved)).toBeGreaterThan(least)
      }
    }
  })
})

describe('centroidsOf', () => {
  const table: LabelTable = {
    classes: [
      { name: 'background', abbreviation: 'bg', codes: [0] },
      { name: 'both sides', abbreviation: 'a', codes: [3, 42] },
      { name: 'other', abbreviation: 'o', codes: [99] },
    ],
    rest: 2,
  }

  it('is the mean position of each side, without background and the rest', () => {
    const data = new Float32Array(2 * 3 * 5)
    data[0] = 3
    data[4] = 3 // [0, 0, 4]
    data[29] = 42 // [1, 2, 4]
    data[28] = 99
    data[27] = 7
    const found = centroidsOf({ data, channels: 1, grid: unknownGrid([2, 3, 5]), source: 'x' }, table)
    expect([...found]).toEqual([
      [3, [0, 0, 2]],
      [42, [1, 2, 4]],
    ])
  })

  it('refuses to align maps with too little in common', () => {
    const few = new Map([[3, [1, 2, 3] as Triple]])
    expect(() => alignment(few, few, 'map.nii')).toThrow('map.nii: shares 1 structures with the reference')
  })
})
