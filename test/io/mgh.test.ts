import { describe, expect, it } from 'vitest'
import { decodeHeader, decodeLabels, decodeVolume, encodeVolume } from '../../src/io/formats.js'
import { gzip } from '../../src/io/gzip.js'
import { readMgh, writeMgh } from '../../src/io/mgh.js'
import { reorientGrid, type Orientation } from '../../src/io/orientation.js'
import type { Grid } from '../../src/io/volume.js'
import { makeMgh } from './make-mgh.js'
import { countDamageRefused, expectEveryCutRefused, makeVolume, userError } from './support.js'

const counted = Array.from({ length: 24 }, (_, i) => i)
const shape = { dims: [2, 3, 4, 1], values: counted }

describe('readMgh', () => {
  it.each([
    [0, 'u1', 255],
    [1, 'i4', -(2 ** 31)],
    [3, 'f4', 0.5],
    [4, 'i2', -32768],
    [10, 'u2', 65535],
  ])('reads type %i as %s, the first axis fastest', (type, stored, extreme) => {
    const bytes = makeMgh({ ...shape, type, values: [extreme, ...counted.slice(1)] })
    for (const file of [bytes, gzip(bytes)]) {
      const volume = decodeLabels(file, 'a.mgz')
      expect(volume).toMatchObject({ channels: 1, grid: { shape: [2, 3, 4], known: true }, stored })
      const at = (d: number, h: number, w: number) => volume.data[(d * 3 + h) * 4 + w]
      expect([at(0, 0, 0), at(1, 0, 0), at(0, 1, 0), at(0, 0, 1), at(1, 2, 3)]).toEqual([
        extreme,
        1,
        2,
        6,
        23,
      ])
    }
  })

  it('reads frames as channels, and nothing of what follows', () => {
    const tags = Uint8Array.from({ length: 100 }, (_, i) => i)
    const volume = readMgh(makeMgh({ dims: [1, 1, 2, 3], values: [0, 1, 2, 3, 4, 5], tags }), 'a.mgh')
    expect(volume.channels).toBe(3)
    expect([...volume.data]).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('places the centre at dims / 2', () => {
    const { grid } = readMgh(makeMgh({ ...shape, delta: [2, 1, 0.5], centre: [10, 20, 30] }), 'a.mgh')
    // Columns run to the left, rows to the feet, slices to the front: coronal slices, as recon-all makes them.
    expect(grid.affine).toEqual([
      [-2, 0, 0, 12],
      [0, 0, 0.5, 19],
      [0, -1, 0, 31.5],
      [0, 0, 0, 1],
    ])
  })

  it('says nothing of orientation where goodRASFlag is 0 or the matrix is no placement', () => {
    expect(readMgh(makeMgh({ ...shape, goodRas: 0, delta: [3, 3, 3] }), 'a').grid).toMatchObject({
      known: false,
      affine: [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
      ],
    })
    for (const bad of [
      { delta: [1, 0, 1] },
      { delta: [1, NaN, 1] },
      { directions: Array<number>(9).fill(1) },
    ]) {
      const { grid, warnings } = readMgh(makeMgh({ ...shape, ...bad }), 'a.mgh')
      expect(grid.known).toBe(false)
      expect(warnings).toEqual(['a.mgh: its vox2ras matrix is not invertible; ignored'])
    }
  })

  it.each<[object, RegExp]>([
    [{ version: 257 }, /version 1, but 257/],
    [{ type: 9 }, /colours \(MRI_RGB\) are not read/],
    [{ type: 2 }, /FreeSurfer's type 2 are not read/],
    [{ dims: [2, 3, 0, 1] }, /make no sense \(2 3 0 1\)/],
    [{ dims: [2, 3, -4, 1] }, /make no sense/],
    [{ dims: [2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1] }, /at most 1073741824 values/],
    [{ dims: [1024, 1024, 1024, 1] }, /1024x1024x1024x1, 4294967296 bytes, but 96 follow/],
    [{ dims: [2, 3, 5, 1] }, /120 bytes, but 96 follow/],
  ])('refuses %j', (fields, message) => {
    expect(userError(() => readMgh(makeMgh({ ...shape, ...fields }), 'a.mgh'))).toMatch(message)
  })

  it('refuses an empty file, one of another kind, one cut anywhere, and one that unpacks for ever', () => {
    const bytes = makeMgh(shape)
    expectEveryCutRefused(bytes, (cut) => decodeVolume(cut, 'a.mgh'))
    expect(countDamageRefused(bytes, (damaged) => decodeVolume(damaged, 'a.mgh'))).toBeGreaterThan(50)
    expect(userError(() => decodeVolume(Buffer.from('hello'), 'a.mgz'))).toContain('of an unknown kind')
    const endless = makeMgh({ ...shape, tags: new Uint8Array(2 ** 25) })
    expect(userError(() => decodeVolume(gzip(endless), 'a.mgz'))).toContain('unpack to more than')
  })
})

/** A grid of an odd shape, turned by a few degrees, with voxels of three sizes. */
const askew: Grid = {
  shape: [3, 4, 5],
  affine: [
    [Math.cos(0.2), -1.5 * Math.sin(0.2), 0, -7],
    [Math.sin(0.2), 1.5 * Math.cos(0.2), 0, 3],
    [0, 0, 2, 11],
    [0, 0, 0, 1],
  ],
  known: true,
}

const orders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const
const orientations: Orientation[] = orders.flatMap((axes) =>
  Array.from({ length: 8 }, (_, bits): Orientation => {
    return { axes, flips: [(bits & 1) > 0, (bits & 2) > 0, (bits & 4) > 0] }
  }),
)

describe('writeMgh', () => {
  it('gives back voxels and places, in all 48 orientations', () => {
    for (const orientation of orientations) {
      const grid = reorientGrid(askew, orientation)
      const volume = { ...makeVolume(2, grid.shape), grid }
      const back = decodeVolume(encodeVolume('a.mgz', volume, 'float32'), 'a.mgz')
      expect(back.data).toEqual(volume.data)
      expect(back.grid.known).toBe(true)
      back.grid.affine.forEach((row, i) => {
        row.forEach((value, j) => {
          expect(value).toBeCloseTo(grid.affine[i]![j]!, 5)
        })
      })
    }
  })

  it.each([
    ['uint8', 0, 1],
    ['int16', 4, 2],
    ['int32', 1, 4],
    ['float32', 3, 4],
  ] as const)('writes %s as type %i, big-endian', (type, code, width) => {
    const volume = makeVolume(1, [1, 2, 3])
    const bytes = writeMgh(volume, type)
    expect([bytes.length, new DataView(bytes.buffer).getInt32(20)]).toEqual([284 + 6 * width, code])
    expect(readMgh(bytes, 'a').data).toEqual(volume.data)
  })

  it('keeps an unknown grid unknown, and one voxel one voxel', () => {
    const back = readMgh(writeMgh(makeVolume(1, [1, 1, 1]), 'uint8'), 'a')
    expect(back).toMatchObject({ channels: 1, grid: { shape: [1, 1, 1], known: false } })
    expect(decodeHeader(encodeVolume('a.mgz', makeVolume(3, [1, 1, 1]), 'int16'), 'a.mgz')?.channels).toBe(3)
  })

  it('refuses what FreeSurfer cannot hold', () => {
    const volume = makeVolume(1, [1, 1, 2])
    expect(userError(() => writeMgh(volume, 'float64'))).toMatch(/no float64.*write \.nii\.gz/)
    volume.data[1] = 2 ** 31
    expect(userError(() => writeMgh(volume, 'int32'))).toContain('does not fit int32')
  })
})
