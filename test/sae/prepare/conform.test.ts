import { describe, expect, it } from 'vitest'
import { conformedGrid, isConformed } from '../../../src/sae/prepare/conform.js'
import { voxelMap } from '../../../src/sae/resampling/voxel-map.js'

const oblique = [
  [0.9, 0.1, 0, -80],
  [-0.1, 0.9, 0.2, -100],
  [0, -0.2, 1.1, -60],
  [0, 0, 0, 1],
]

const placeOf = (affine: readonly (readonly number[])[], voxel: readonly number[]): number[] =>
  [0, 1, 2].map((row) => voxel.reduce((sum, at, axis) => sum + affine[row]![axis]! * at, affine[row]![3]!))

/** Equal but for rounding. */
const near = (values: readonly number[]): number[] =>
  values.map((value) => expect.closeTo(value, 9) as number)

describe('conformedGrid', () => {
  it('has 256 voxels of 1 mm to the left, down and to the front, around the centre of the scan', () => {
    const { shape, affine } = conformedGrid([160, 200, 140], oblique)
    expect(shape).toEqual([256, 256, 256])
    const centre = placeOf(oblique, [80, 100, 70])
    expect(placeOf(affine, [128, 128, 128])).toEqual(near(centre))
    const step = (voxel: readonly number[]) => placeOf(affine, voxel).map((value, i) => value - centre[i]!)
    expect(step([129, 128, 128])).toEqual(near([-1, 0, 0]))
    expect(step([128, 129, 128])).toEqual(near([0, 0, -1]))
    expect(step([128, 128, 129])).toEqual(near([0, 1, 0]))
  })

  it('of a scan that is conformed is its own, and of one whose axes run otherwise whole voxels away', () => {
    const { shape, affine } = conformedGrid([160, 200, 140], oblique)
    expect(isConformed(shape, affine)).toBe(true)
    expect(conformedGrid(shape, affine).affine).toEqual(affine.map(near))
    const standard = [
      [1, 0, 0, -120],
      [0, 1, 0, -110],
      [0, 0, 1, -130],
      [0, 0, 0, 1],
    ]
    expect(isConformed(shape, standard)).toBe(false)
    const onto = conformedGrid(shape, standard).affine
    expect(voxelMap(standard, onto, shape)).toEqual([
      [-1, 0, 0, 256],
      [0, 0, 1, 0],
      [0, -1, 0, 256],
    ])
  })

  it('is not that of a scan of another size or of larger voxels', () => {
    const { affine } = conformedGrid([160, 200, 140], oblique)
    expect(isConformed([256, 256, 255], affine)).toBe(false)
    const larger = affine.map((row) => row.map((value, column) => (column < 3 ? 1.01 * value : value)))
    expect(isConformed([256, 256, 256], larger)).toBe(false)
  })
})
