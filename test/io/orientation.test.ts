import { describe, expect, it } from 'vitest'
import { alignTo } from '../../src/io/align.js'
import {
  describeAxes,
  fitOf,
  followedBy,
  inverseOf,
  isAsItIs,
  orientationOnto,
  reorient,
  reorientGrid,
  type Orientation,
} from '../../src/io/orientation.js'
import type { Grid } from '../../src/io/volume.js'
import { makeVolume, userError } from './support.js'

/** A grid of an odd shape, turned by a few degrees, with voxels of three sizes. */
function askew(): Grid {
  const angle = 0.2
  const affine = [
    [Math.cos(angle), -1.5 * Math.sin(angle), 0, -7],
    [Math.sin(angle), 1.5 * Math.cos(angle), 0, 3],
    [0, 0, 2, 11],
    [0, 0, 0, 1],
  ]
  return { shape: [3, 4, 5], affine, known: true }
}

const orders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const

const all: Orientation[] = orders.flatMap((axes) =>
  Array.from({ length: 8 }, (_, bits): Orientation => {
    return { axes, flips: [(bits & 1) > 0, (bits & 2) > 0, (bits & 4) > 0] }
  }),
)

/** Where a voxel lies in the world. */
function place({ affine }: Grid, voxel: readonly number[]): number[] {
  return [0, 1, 2].map((row) => voxel.reduce((sum, v, i) => sum + v * affine[row]![i]!, affine[row]![3]!))
}

describe('reorient', () => {
  it('leaves every voxel in its place in the world, for all 48 orientations', () => {
    const grid = askew()
    const { data } = makeVolume(2, grid.shape)
    for (const orientation of all) {
      const turned = reorientGrid(grid, orientation)
      const values = reorient(data, grid.shape, orientation)
      const [D, H, W] = turned.shape
      for (let i = 0; i < values.length; i += 7) {
        const [c, d, h, w] = [
          Math.floor(i / (D * H * W)),
          Math.floor(i / (H * W)) % D,
          Math.floor(i / W) % H,
          i % W,
        ]
        // A value tells where its voxel was: 1000 c + 100 d + 10 h + w.
        const value = values[i]!
        const was = [Math.floor(value / 100) % 10, Math.floor(value / 10) % 10, value % 10]
        expect(Math.floor(value / 1000)).toBe(c)
        const [now, before] = [place(turned, [d, h, w]), place(grid, was)]
        now.forEach((x, axis) => {
          expect(x).toBeCloseTo(before[axis]!, 9)
        })
      }
    }
  })

  it('is found by the grids, taken back by its inverse and combined with another', () => {
    const grid = askew()
    const { data } = makeVolume(1, grid.shape)
    for (const orientation of all) {
      const turned = reorientGrid(grid, orientation)
      expect(orientationOnto(grid, turned)).toEqual(orientation)
      expect(isAsItIs(orientation)).toBe(orientation === all[0])
      const values = reorient(data, grid.shape, orientation)
      expect(reorient(values, turned.shape, inverseOf(orientation))).toEqual(data)
      for (const next of [all[11]!, all[37]!]) {
        const both = followedBy(orientation, next)
        expect(reorient(data, grid.shape, both)).toEqual(reorient(values, turned.shape, next))
      }
    }
  })
})

it('axes are named by the side that they run to', () => {
  expect(describeAxes(askew())).toBe('RAS')
  expect(describeAxes(reorientGrid(askew(), { axes: [0, 2, 1], flips: [true, true, false] }))).toBe('LIA')
  // Halfway between two directions, both axes would be called after the first.
  const halfway = [
    [1, -1, 0, 0],
    [1, 1, 0, 0],
    [0, 0, -1, 0],
    [0, 0, 0, 1],
  ]
  expect(describeAxes({ ...askew(), affine: halfway })).toBe('RAI')
})

describe('fitOf', () => {
  const moved = (by: number): Grid => {
    const grid = askew()
    grid.affine[2]![3]! += by
    return grid
  }

  it('measures how far voxels are from their counterparts', () => {
    expect(fitOf(askew(), moved(0.05))).toMatchObject({ kind: 'placed', coincide: true })
    const apart = fitOf(askew(), moved(1))
    expect(apart).toMatchObject({ kind: 'placed', coincide: false })
    expect(apart.kind === 'placed' && apart.distance).toBeCloseTo(1, 9)
  })

  it('says what cannot be measured', () => {
    expect(fitOf(askew(), { ...askew(), shape: [3, 5, 4] })).toEqual({ kind: 'shape' })
    expect(fitOf(askew(), { ...askew(), known: false })).toEqual({ kind: 'unknown' })
  })
})

describe('alignTo', () => {
  const volume = (grid: Grid, source: string) => ({ ...makeVolume(1, grid.shape), grid, source })
  const scan = volume(askew(), 'scan.nii')

  it('reorients what runs another way, and says so', () => {
    const orientation = all[29]!
    const turned = {
      ...scan,
      data: reorient(scan.data, scan.grid.shape, orientation),
      grid: reorientGrid(scan.grid, orientation),
      source: 'turned.nii',
    }
    const { volume: aligned, remark } = alignTo(turned, scan, 'the two')
    expect(aligned.data).toEqual(scan.data)
    expect(aligned.grid.shape).toEqual(scan.grid.shape)
    expect(remark).toMatch(/^turned\.nii \(\w{3}\): reoriented as scan\.nii \(RAS\)$/)
    expect(alignTo(scan, scan, 'the two')).toEqual({ volume: scan, remark: undefined })
  })

  it('pairs by index what does not say where it lies', () => {
    const bare = volume({ ...askew(), known: false }, 'bare.npz')
    const { volume: aligned, remark } = alignTo(scan, bare, 'the two')
    expect(aligned).toBe(scan)
    expect(remark).toMatch(/^bare\.npz: says nothing of its orientation/)
  })

  it('refuses what lies elsewhere or has another shape', () => {
    const grid = askew()
    grid.affine[0]![3]! += 4
    const message = userError(() => alignTo(volume(grid, 'far.nii'), scan, 'the two'))
    expect(message).toMatch(
      /^the two do not lie in one place: .*far\.nii are up to 4\.00 mm from .*scan\.nii/,
    )
    const longer = volume({ ...askew(), shape: [3, 4, 6] }, 'longer.nii')
    expect(userError(() => alignTo(longer, scan, 'the two'))).toMatch(
      /the two differ in shape: .*longer\.nii is 3x4x6/,
    )
  })
})
