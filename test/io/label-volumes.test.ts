import { describe, expect, it } from 'vitest'
import { decodeLabels, encodeVolume } from '../../src/io/formats.js'
import { labelVoxelType } from '../../src/io/voxel-type.js'
import { readNifti } from '../../src/io/nifti.js'
import { unknownGrid } from '../../src/io/volume.js'
import { makeNifti } from './make-nifti.js'

describe('decodeLabels', () => {
  it.each([
    ['uint8', 2, [0, 1, 254, 255]],
    ['int16', 4, [0, 1, 32766, 32767]],
    ['uint16', 512, [0, 1, 65534, 65535]],
    ['int32', 8, [0, 16777217, 614454277, 2 ** 31 - 1]],
    ['uint32', 768, [0, 16777217, 2 ** 32 - 2, 2 ** 32 - 1]],
    ['int64', 1024, [0, 16777217, 2 ** 40 + 1, 2 ** 53 - 1]],
    ['uint64', 1280, [0, 16777217, 2 ** 40 + 1, 2 ** 53 - 1]],
    ['float64', 64, [0, 16777217, 2 ** 40 + 1, 2 ** 53 - 1]],
  ])('keeps every %s, big-endian or not', (_, datatype, values) => {
    for (const littleEndian of [true, false]) {
      const bytes = makeNifti({ dims: [3, 4, 1, 1], datatype, values, littleEndian })
      expect([...decodeLabels(bytes, 'a.nii').data]).toEqual(values)
    }
  })

  it.each(['a.nii', 'a.nii.gz', 'a.npz', 'a.npy'])('reads back from %s what is written', (name) => {
    for (const [type, highest] of [
      ['uint8', 255],
      ['int16', 32767],
      ['int32', 2 ** 31 - 1],
      ['float64', 2 ** 31],
      ['float64', 2 ** 53 - 1],
    ] as const) {
      const data = Float64Array.of(0, highest - 1, highest)
      expect(labelVoxelType(data)).toBe(type)
      const volume = { data, channels: 1, grid: unknownGrid([1, 1, 3]), source: name }
      expect(decodeLabels(encodeVolume(name, volume, type), name).data).toEqual(data)
    }
  })
})

it('a description is written and read back, cut to what the header holds', () => {
  const volume = { data: Float64Array.of(1), channels: 1, grid: unknownGrid([1, 1, 1]), source: 'a.nii' }
  const through = (description: string) =>
    readNifti(encodeVolume('a.nii', { ...volume, description }, 'uint8'), 'a.nii').description
  expect(through('classes 0..13')).toBe('classes 0..13')
  expect(through('')).toBe('')
  expect(through('ä'.repeat(100))).toBe('?'.repeat(79))
})
