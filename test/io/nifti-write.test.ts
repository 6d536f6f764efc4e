import { describe, expect, it } from 'vitest'
import { writeNifti } from '../../src/io/nifti-write.js'
import { readNifti } from '../../src/io/nifti.js'
import type { VoxelType } from '../../src/io/voxel-type.js'
import { makeNifti } from './make-nifti.js'
import { makeVolume, userError } from './support.js'

const types: VoxelType[] = ['uint8', 'int16', 'int32', 'float32', 'float64']

describe('writeNifti', () => {
  it.each([
    [1, 1, 1, 1],
    [1, 3, 4, 5],
    [3, 2, 1, 7],
    [2, 17, 19, 3],
  ])('gives back %i channels of %ix%ix%i', (c, d, h, w) => {
    for (const scale of [1, -0.25]) {
      const volume = makeVolume(c, [d, h, w], scale)
      const back = readNifti(writeNifti(volume, 'float32'), 'back.nii')
      expect(back).toMatchObject({ channels: c, grid: { shape: [d, h, w], known: false }, warnings: [] })
      expect(back.data).toEqual(volume.data)
    }
  })

  it('lays voxels out with the first axis fastest and the channels slowest', () => {
    const volume = makeVolume(2, [2, 2, 2])
    const voxels = new Int16Array(writeNifti(volume, 'int16').slice(352).buffer)
    expect([...voxels]).toEqual([
      0, 100, 10, 110, 1, 101, 11, 111, 1000, 1100, 1010, 1110, 1001, 1101, 1011, 1111,
    ])
  })

  it.each(types)('writes %s: datatype, bits and length of the file', (type) => {
    const volume = makeVolume(1, [1, 2, 3])
    const bytes = writeNifti(volume, type)
    const view = new DataView(bytes.buffer)
    const [code, bits] = {
      uint8: [2, 8],
      int16: [4, 16],
      int32: [8, 32],
      float32: [16, 32],
      float64: [64, 64],
    }[type] as [number, number]
    expect([view.getInt16(70, true), view.getInt16(72, true)]).toEqual([code, bits])
    expect(bytes.length).toBe(352 + (6 * bits) / 8)
    expect([0, 1, 2, 3, 4].map((i) => view.getInt16(40 + 2 * i, true))).toEqual([3, 1, 2, 3, 1])
    expect(readNifti(bytes, 'a').data).toEqual(volume.data)
  })

  it.each([
    ['uint8', 255, 256],
    ['uint8', 0, -1],
    ['int16', 32767, 32768],
    ['int16', -32768, -32769],
    ['uint8', 1, 1.5],
    ['int16', 1, NaN],
    ['int16', 1, Infinity],
  ] as const)('writes %s of %f but refuses %f', (type, good, bad) => {
    const volume = makeVolume(1, [1, 1, 2])
    volume.data[1] = good
    expect(readNifti(writeNifti(volume, type), 'a').data).toEqual(volume.data)
    volume.data[1] = bad
    expect(userError(() => writeNifti(volume, type))).toContain(
      `made.nii: the value ${bad} does not fit ${type}`,
    )
  })

  it('writes both forms back as they were, with codes, voxel sizes and units', () => {
    const original = makeNifti({
      dims: [3, 1, 1, 2],
      values: [1, 2],
      pixdim: [-1, 0.5, 0.75, 1.25, 2.5],
      units: 10,
      qformCode: 1,
      quaternion: [0.1, 0.2, -0.3],
      qoffset: [1, -2, 3.5],
      sformCode: 4,
      sform: [
        [1, 0.5, 0, 3],
        [0, -2, 0.25, 4],
        [0, 0, 3, -5],
      ],
    })
    const volume = readNifti(original, 'a')
    const written = writeNifti(volume, 'float32')
    const fields = (bytes: Uint8Array) => [bytes.slice(76, 108), bytes[123], bytes.slice(252, 328)]
    expect(fields(written)).toEqual(fields(original))
    const back = readNifti(written, 'a')
    expect(back).toEqual(volume)
  })

  it('keeps the grid of a big-endian NIfTI-2 file to float32', () => {
    const sform = [
      [0.1, -1.5, 0, 10.3],
      [1, 0, 0.7, -20],
      [0, 0.2, 2, 30],
      [0, 0, 0, 1],
    ]
    const fields = {
      version: 2,
      littleEndian: false,
      dims: [3, 1, 1, 2],
      values: [1, 2],
      sformCode: 3,
      sform,
    } as const
    const back = readNifti(writeNifti(readNifti(makeNifti(fields), 'a'), 'uint8'), 'a').grid
    expect(back.header).toMatchObject({ sformCode: 3, qformCode: 0 })
    expect(back.affine).toEqual(sform.map((row) => row.map(Math.fround)))
  })

  it('writes a grid known otherwise as an sform', () => {
    const volume = makeVolume(1, [2, 3, 4])
    const affine = [
      [0, 2, 0, 5],
      [-1, 0, 0, 6],
      [0, 0, 4, 7],
      [0, 0, 0, 1],
    ]
    volume.grid = { ...volume.grid, affine, known: true }
    const { grid } = readNifti(writeNifti(volume, 'float32'), 'a')
    expect(grid).toMatchObject({
      affine,
      known: true,
      header: { sformCode: 2, qformCode: 0, pixdim: [1, 1, 2, 4, 1, 1, 1, 1] },
    })
  })

  it('leaves an unknown grid unknown, with voxels of 1 mm', () => {
    const { grid } = readNifti(writeNifti(makeVolume(1, [2, 3, 4]), 'float32'), 'a')
    expect(grid).toMatchObject({
      known: false,
      header: { sformCode: 0, qformCode: 0, xyztUnits: 2, pixdim: Array(8).fill(1) },
    })
  })

  it('refuses axes that NIfTI-1 cannot count', () => {
    expect(readNifti(writeNifti(makeVolume(1, [1, 1, 32767]), 'float32'), 'a').grid.shape).toEqual([
      1, 1, 32767,
    ])
    expect(userError(() => writeNifti(makeVolume(1, [1, 32768, 1]), 'float32'))).toContain(
      'too large for NIfTI-1',
    )
  })
})
