import { describe, expect, it } from 'vitest'
import { reorient, reorientGrid } from '../../../src/io/orientation.js'
import { voxelSize, type Grid } from '../../../src/io/volume.js'
import { priorArgmax } from '../../../src/sae/prior/prior.js'
import { resampleImages } from '../../../src/sae/resampling/image.js'
import { resampleLabels } from '../../../src/sae/resampling/labels.js'
import { mostProbable, resamplePosterior } from '../../../src/sae/resampling/posterior.js'
import { reaches, smoothingFor, voxelMap } from '../../../src/sae/resampling/voxel-map.js'
import { voxelsOf } from '../../../src/sae/shape.js'
import type { Triple } from '../../../src/sae/synth/affine.js'
import { fromArray, maxAbsError, mulberry32 } from '../../reference/nd-array.js'
import * as reference from '../../reference/resample.js'
import { blobs, bump, centroid, dice, gridAt, orientations, paint, stored } from './grids.js'

const mapOnto = (from: Grid, to: Grid) => voxelMap(from.affine, to.affine, to.shape)
const images = (data: Float32Array, from: Grid, to: Grid): Float32Array =>
  resampleImages(data, from.shape, mapOnto(from, to), to.shape)
const labels = (data: Uint8Array, from: Grid, to: Grid): Uint8Array =>
  resampleLabels(data, from.shape, mapOnto(from, to), to.shape)

const spacings: Triple[] = [
  [1, 1, 1],
  [0.7, 1.5, 3.3],
  [2.1, 0.9375, 1.2],
]
const angles: Triple[] = [
  [0, 0, 0],
  [7, -11, 20],
]
const noise = (length: number, seed = 5): Float32Array => {
  const random = mulberry32(seed)
  return Float32Array.from({ length }, () => random() - 0.3)
}

describe('grids that differ by whole voxels', () => {
  describe.each(spacings)('of %d x %d x %d mm', (...spacing) => {
    it.each(angles)(
      'turned by %d, %d, %d degrees: all 48 orders of axes are copied exactly',
      (...degrees) => {
        const own = gridAt([7, 5, 6], spacing, degrees)
        const data = noise(210)
        const classes = Uint8Array.from(data, (value) => Math.abs(value) * 20)
        for (const orientation of orientations) {
          const turned = stored(reorientGrid(own, orientation))
          expect(images(data, own, turned)).toEqual(reorient(data, own.shape, orientation))
          expect(images(images(data, own, turned), turned, own)).toEqual(data)
          expect(labels(classes, own, turned)).toEqual(reorient(classes, own.shape, orientation))
        }
      },
    )

    it.each(angles)('turned by %d, %d, %d degrees: cropped and padded exactly', (...degrees) => {
      const own = gridAt([7, 5, 6], spacing, degrees)
      const data = noise(210)
      // Two voxels are lost at the start of D, three appear at that of H, W ends four later.
      const start = [2, -3, 0]
      const origin = own.affine
        .slice(0, 3)
        .map((row) => start.reduce((sum, n, axis) => sum + row[axis]! * n, row[3]!))
      const affine = own.affine.map((row, r) => (r < 3 ? [...row.slice(0, 3), origin[r]!] : [...row]))
      const other = stored({ shape: [5, 8, 10], affine, known: true })
      const result = images(data, own, other)
      let at = 0
      for (let d = 0; d < 5; d++)
        for (let h = 0; h < 8; h++)
          for (let w = 0; w < 10; w++, at++) {
            const inside = h >= 3 && w < 6
            expect(result[at]).toBe(inside ? data[((d + 2) * 5 + h - 3) * 6 + w] : 0)
          }
      const again = images(result, other, own)
      expect(again.subarray(2 * 30)).toEqual(data.subarray(2 * 30))
      expect(again.subarray(0, 2 * 30).every((value) => value === 0)).toBe(true)
    })
  })
})

describe('resampleImages', () => {
  it.each([
    ['shifted by half a voxel', gridAt([6, 7, 5], [1, 1, 1], [0, 0, 0], [12.5, -31, 5.5])],
    ['oblique', gridAt([9, 4, 6], [1.1, 0.9, 1.3], [7, 20, -13])],
    ['onto smaller voxels', gridAt([12, 11, 9], [0.5, 0.6, 0.4])],
  ])('%s: is the reference', (_, to) => {
    const from = gridAt([6, 5, 7], [1, 1, 1])
    const data = noise(2 * 210)
    const map = mapOnto(from, to)
    expect(smoothingFor(map)).toEqual([0, 0, 0])
    const expected = reference.forward(
      fromArray([1, 2, 6, 5, 7], data),
      reference.mapOf([[...map].map((row) => [...row])]),
      to.shape,
    )
    expect(maxAbsError(resampleImages(data, from.shape, map, to.shape), expected)).toBeLessThan(1e-6)
  })

  it('smooths over steps wider than 1.5 voxels, so that a pattern of single voxels fades', () => {
    const from = gridAt([24, 24, 24], [1, 1, 1])
    const stripes = Float32Array.from({ length: 24 ** 3 }, (_, i) => (i % 24) % 2)
    const to = gridAt([9, 9, 9], [2, 2, 2])
    const sigma = Math.sqrt(3) / (2 * Math.sqrt(2 * Math.log(2)))
    expect(smoothingFor(mapOnto(from, to)).map((s) => s.toFixed(5))).toEqual(Array(3).fill(sigma.toFixed(5)))
    // Voxels of the new grid lie on voxels: without a filter, the result would be 0 or 1 throughout.
    const onVoxels = gridAt([9, 9, 9], [2, 2, 2], [0, 0, 0], [11.5, -31.5, 4.5])
    const result = images(stripes, from, onVoxels)
    for (const value of result) expect(Math.abs(value - 0.5)).toBeLessThan(0.08)
    expect(smoothingFor(mapOnto(from, gridAt([9, 9, 9], [1.5, 1.5, 1.5])))).toEqual([0, 0, 0])
  })

  it('continues axes of one voxel over their extent, and is 0 beyond', () => {
    const from = gridAt([1, 4, 1], [5, 1, 5], [0, 0, 0], [0, 0, 0])
    const to = gridAt([9, 4, 3], [1, 1, 2], [0, 0, 0], [0, 0, 0])
    const result = images(Float32Array.of(3, 4, 5, 6), from, to)
    let at = 0
    for (let d = 0; d < 9; d++)
      for (let h = 0; h < 4; h++)
        for (let w = 0; w < 3; w++, at++) expect(result[at]).toBe(Math.abs(d - 4) <= 2 ? 3 + h : 0)
  })

  it('brings a scan of one voxel anywhere', () => {
    const one = gridAt([1, 1, 1], [3, 3, 3])
    const to = gridAt([5, 5, 5], [1, 1, 1])
    const result = images(Float32Array.of(7), one, to)
    expect(result.reduce((sum, value) => sum + value, 0)).toBe(27 * 7)
    expect(images(result, to, one)[0]).toBeGreaterThan(3)
  })

  it('moves nothing: the centroid of a bump stays within 0.02 voxels', () => {
    const from = gridAt([30, 28, 26], [1, 1, 1])
    const data = paint(from, bump([10.3, -30.2, 6.1], 3))
    const before = centroid(data, from)
    for (const to of [
      gridAt([30, 28, 26], [1, 1, 1], [0, 0, 0], [12.5, -30.5, 5.5]),
      gridAt([16, 15, 14], [2, 2, 2]),
      gridAt([60, 55, 51], [0.5, 0.5, 0.5]),
      gridAt([31, 29, 10], [1, 1, 3], [0, 0, 0], [12.2, -31.4, 5.9]),
      gridAt([40, 40, 40], [0.9, 1.3, 0.7], [7, -20, 12]),
    ]) {
      const there = images(data, from, to)
      const smallest = Math.min(...voxelSize(to.affine))
      const [moved, back] = [centroid(there, to), centroid(images(there, to, from), from)]
      for (const axis of [0, 1, 2] as const) {
        expect(Math.abs(moved[axis] - before[axis]) / smallest).toBeLessThan(0.02)
        expect(Math.abs(back[axis] - before[axis])).toBeLessThan(0.02)
      }
    }
  })
})

describe('resampleLabels', () => {
  it.each([
    ['oblique', gridAt([9, 8, 7], [1.1, 0.9, 1.3], [7, 20, -13])],
    ['onto larger voxels', gridAt([4, 5, 3], [2.2, 1.7, 3.1], [4, 0, 9])],
  ])('%s: is the most probable of all labels, each resampled as an image', (_, to) => {
    const from = gridAt([10, 9, 8], [1, 1, 1])
    const classes = Uint8Array.from(noise(720, 9), (value) => 1 + Math.floor((value + 0.3) * 4))
    const codes = [17, 2, 1000, 53]
    const oneHot = new Float32Array(4 * 720)
    classes.forEach((c, i) => (oneHot[(c - 1) * 720 + i] = 1))
    const map = mapOnto(from, to)
    const votes = resampleImages(oneHot, from.shape, map, to.shape)
    const result = resampleLabels(
      Float64Array.from(classes, (c) => codes[c - 1]!),
      from.shape,
      map,
      to.shape,
    )
    const size = voxelsOf(to.shape)
    let clear = 0
    result.forEach((label, i) => {
      const each = [0, 1, 2, 3].map((c) => votes[c * size + i]!)
      const [first, second] = each.toSorted((a, b) => b - a)
      if (first === 0) expect(label).toBe(0)
      else if (first! - second! > 1e-4) {
        expect(label).toBe(codes[each.indexOf(first!)])
        clear++
      }
    })
    expect(clear).toBeGreaterThan(0.3 * size)
  })

  it('gives ties to the lower and to the higher label in turn', () => {
    const from = gridAt([1, 1, 2], [1, 1, 1])
    const to = gridAt([1, 1, 1], [1, 1, 1])
    expect([...labels(Uint8Array.of(5, 3), from, to)]).toEqual([3])
    expect([...labels(Uint8Array.of(3, 5), from, to)]).toEqual([3])
    const row = gridAt([4, 1, 1], [1, 1, 1])
    const halves = Uint8Array.of(3, 5, 3, 5, 3, 5, 3, 5)
    expect([...labels(halves, gridAt([4, 1, 2], [1, 1, 1]), row)]).toEqual([3, 5, 3, 5])
  })

  const there = {
    '7, -11, 20 degrees': gridAt([46, 46, 46], [1, 1, 1], [7, -11, 20]),
    'smaller voxels, oblique': gridAt([60, 60, 60], [0.8, 0.75, 0.7], [15, 7, -9]),
    'voxels of 1.2 x 1.2 x 1.5 mm, oblique': gridAt([40, 40, 32], [1.2, 1.2, 1.5], [-8, 12, 0]),
    'half a voxel': gridAt([42, 36, 34], [1, 1, 1], [0, 0, 0], [12.5, -30.5, 5.5]),
  }
  it.each(Object.entries(there))('there and back over %s: Dice of at least 0.97', (_, to) => {
    const from = gridAt([40, 34, 32], [1, 1, 1])
    const before = Uint8Array.from(paint(from, blobs))
    const moved = labels(before, from, to)
    const after = labels(moved, to, from)
    for (const label of [1, 2]) {
      expect(dice(after, before, label)).toBeGreaterThan(0.97)
      expect(dice(moved, Uint8Array.from(paint(to, blobs)), label)).toBeGreaterThan(0.96)
    }
    // Probabilities have no ties to give away.
    const oneHot = Float32Array.from(
      [0, 1, 2].flatMap((c) => Array.from(before, (label) => Number(label === c))),
    )
    const probabilities = resamplePosterior(oneHot, from.shape, mapOnto(from, to), to.shape)
    const classes = mostProbable(probabilities, to.shape, mapOnto(to, from), from.shape)
    for (const label of [1, 2]) expect(dice(classes, before, label)).toBeGreaterThan(0.98)
  })
})

it('grids half a voxel apart along one axis, where every face is a tie, keep the volume of labels', () => {
  const from = gridAt([40, 34, 32], [1, 1, 1])
  const before = Uint8Array.from(paint(from, blobs))
  const to = gridAt([42, 36, 34], [1, 1, 1], [0, 0, 0], [12.5, -31, 5])
  const after = labels(labels(before, from, to), to, from)
  for (const label of [1, 2]) {
    const count = (map: Uint8Array) => map.filter((l) => l === label).length
    expect(Math.abs(count(after) / count(before) - 1)).toBeLessThan(0.01)
    expect(dice(after, before, label)).toBeGreaterThan(0.93)
  }
})

describe('a posterior', () => {
  const from = gridAt([8, 9, 7], [2, 2, 2], [3, 8, -14])
  const to = gridAt([20, 22, 19], [1, 1, 1])
  const raw = noise(3 * 504).map(Math.abs)
  const posterior = raw.map(
    (value, i) => value / (raw[i % 504]! + raw[504 + (i % 504)]! + raw[1008 + (i % 504)]!),
  )
  const map = mapOnto(from, to)

  it('stays one, with the background certain outside', () => {
    const result = resamplePosterior(posterior, from.shape, map, to.shape)
    const size = voxelsOf(to.shape)
    for (let i = 0; i < size; i++) {
      const sum = result[i]! + result[size + i]! + result[2 * size + i]!
      expect(Math.abs(sum - 1)).toBeLessThan(1e-6)
    }
    expect([result[0], result[size], result[2 * size]]).toEqual([1, 0, 0])
  })

  it('has the same most probable classes, found channel by channel', () => {
    const classes = mostProbable(posterior, from.shape, map, to.shape)
    expect(classes).toEqual(priorArgmax(resamplePosterior(posterior, from.shape, map, to.shape), 3))
    expect(new Set(classes).size).toBe(3)
  })
})

describe('voxelMap', () => {
  it('refuses an affine without an inverse', () => {
    const flat = gridAt([3, 3, 3], [1, 0, 1])
    expect(() => mapOnto(flat, gridAt([3, 3, 3], [1, 1, 1]))).toThrow('has no inverse')
  })

  it('tells whether fields of view meet', () => {
    const own = gridAt([4, 4, 4], [1, 1, 1])
    const near = gridAt([4, 4, 4], [1, 1, 1], [0, 0, 0], [15.4, -31, 5])
    const far = gridAt([4, 4, 4], [1, 1, 1], [0, 0, 0], [16.6, -31, 5])
    expect(reaches(mapOnto(own, near), near.shape, own.shape)).toBe(true)
    expect(reaches(mapOnto(own, far), far.shape, own.shape)).toBe(false)
  })
})

it('refuses what does not fill the grid that it is said to be on', () => {
  const { shape, affine } = gridAt([2, 3, 4], [1, 1, 1])
  const map = voxelMap(affine, affine, shape)
  for (const length of [23, 25]) {
    const data = new Float32Array(length)
    const refused = `${length} voxels are not volumes of 2x3x4`
    expect(() => resampleImages(data, shape, map, shape)).toThrow(refused)
    expect(() => resamplePosterior(data, shape, map, shape)).toThrow(refused)
    expect(() => mostProbable(data, shape, map, shape)).toThrow(refused)
  }
  for (const length of [23, 48])
    expect(() => resampleLabels(new Uint8Array(length), shape, map, shape)).toThrow(
      `${length} voxels are not a volume of 2x3x4`,
    )
})
