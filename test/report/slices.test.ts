import { describe, expect, it } from 'vitest'
import { orthogonalSlices, type Slice } from '../../src/report/slices.js'

const shape = [2, 3, 4] as const
const spacing = [1, 2, 3] as const

function pixel({ width, offsets }: Slice, row: number, column: number): number {
  return offsets[row * width + column]!
}

function offset(d: number, h: number, w: number): number {
  return (d * 3 + h) * 4 + w
}

describe('orthogonalSlices', () => {
  it('shows right and front of a RAS volume on the right, above on top, through the middle', () => {
    const [sagittal, coronal, axial] = orthogonalSlices({ shape, spacing, orientation: 'RAS' }) as [
      Slice,
      Slice,
      Slice,
    ]
    expect([sagittal.name, sagittal.width, sagittal.height, sagittal.pixelSize]).toEqual([
      'sagittal',
      3,
      4,
      [2, 3],
    ])
    expect(pixel(sagittal, 0, 0)).toBe(offset(1, 0, 3))
    expect(pixel(sagittal, 3, 2)).toBe(offset(1, 2, 0))
    expect([coronal.name, coronal.width, coronal.height, coronal.pixelSize]).toEqual([
      'coronal',
      2,
      4,
      [1, 3],
    ])
    expect(pixel(coronal, 0, 1)).toBe(offset(1, 1, 3))
    expect([axial.name, axial.width, axial.height, axial.pixelSize]).toEqual(['axial', 2, 3, [1, 2]])
    expect(pixel(axial, 0, 0)).toBe(offset(0, 2, 2))
  })

  it('turns other orientations the same way up', () => {
    // D runs to the left, H downwards, W to the front.
    const [sagittal, coronal, axial] = orthogonalSlices({ shape, spacing, orientation: 'LIA' }) as [
      Slice,
      Slice,
      Slice,
    ]
    expect(pixel(sagittal, 0, 0)).toBe(offset(1, 0, 0)) // top left: above, back
    expect(pixel(sagittal, 2, 3)).toBe(offset(1, 2, 3)) // bottom right: below, front
    expect(pixel(coronal, 0, 0)).toBe(offset(1, 0, 2)) // top left: above, left
    expect(pixel(axial, 0, 1)).toBe(offset(0, 1, 3)) // top right: front, right
  })

  it('cuts where there are many structures rather than one large one', () => {
    const labels = new Uint8Array(24)
    for (let h = 0; h < 3; h++) for (let w = 0; w < 2; w++) labels[offset(0, h, w)] = 1
    for (let w = 0; w < 4; w++) labels[offset(1, 1, w)] = w + 2
    const [sagittal, coronal] = orthogonalSlices({ shape, spacing, orientation: 'RAS' }, labels)
    expect(pixel(sagittal!, 3, 0)).toBe(offset(1, 0, 0))
    expect(pixel(coronal!, 3, 0)).toBe(offset(0, 1, 0))
  })

  it.each(['RAR', 'RA', 'XYZ', 'RASL'])('refuses the orientation %s', (orientation) => {
    expect(() => orthogonalSlices({ shape, spacing, orientation })).toThrow(RangeError)
  })
})
