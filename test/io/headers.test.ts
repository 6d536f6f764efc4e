import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readVolume, readVolumeHeader, writeVolume } from '../../src/io/files.js'
import { writeNpy } from '../../src/io/npy.js'
import { makeVolume, rejectedUserError } from './support.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sae-headers-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

describe('readVolumeHeader', () => {
  it.each(['a.nii', 'a.nii.gz', 'a.mgh', 'a.mgz', 'a.npy', 'a.npz'])(
    'says of %s what reading it says',
    async (name) => {
      const path = join(folder, name)
      for (const channels of [1, 3]) {
        await writeVolume(path, makeVolume(channels, [40, 50, 70]), 'float32')
        const { data, ...header } = await readVolume(path)
        expect(data).toHaveLength(channels * 40 * 50 * 70)
        expect(await readVolumeHeader(path)).toEqual(header)
      }
    },
  )

  it('needs the beginning of the voxels only', async () => {
    const path = join(folder, 'large.nii.gz')
    const volume = makeVolume(1, [60, 60, 60])
    for (let i = 0; i < volume.data.length; i++) volume.data[i] = (i * 7919) % 10007
    await writeVolume(path, volume, 'float32')
    writeFileSync(path, readFileSync(path).subarray(0, 20_000))
    expect((await readVolumeHeader(path)).grid.shape).toEqual([60, 60, 60])
    expect(await rejectedUserError(readVolume(path))).toMatch(/truncated/)
  })

  it('finds the array of an archive behind others', async () => {
    const array = (shape: number[]) =>
      writeNpy({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)) })
    const path = join(folder, 'several.npz')
    writeFileSync(path, zipSync({ 'other.npy': array([90, 90, 2]), 'vol_data.npy': array([4, 5, 6]) }))
    expect((await readVolumeHeader(path)).grid.shape).toEqual([4, 5, 6])
  })

  it.each(['a.mnc', 'a.nrrd'])('refuses %s by its name', async (name) => {
    expect(await rejectedUserError(readVolumeHeader(join(folder, name)))).toMatch(/not a volume by its name/)
  })
})

describe('arrays of four axes', () => {
  const prior = (shape: readonly number[], axis: number) => {
    const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1))
    const K = shape[axis]!
    const data = new Float32Array(shape.reduce((a, b) => a * b))
    data.forEach((_, i) => {
      const c = Math.floor(i / strides[axis]!) % K
      const voxel = i - c * strides[axis]!
      data[i] = (2 * (1 + ((c + voxel) % K))) / (K * (K + 1))
    })
    return { shape, data }
  }

  it.each([
    ['more planes than classes', [27, 32, 38, 14], 3, 14, [27, 32, 38]],
    ['fewer planes than classes', [8, 9, 10, 14], 3, 14, [8, 9, 10]],
    ['as many planes as classes', [14, 9, 10, 14], 3, 14, [14, 9, 10]],
    ['more planes than there can be classes', [160, 8, 8, 42], 3, 42, [160, 8, 8]],
    ['classes first', [14, 27, 32, 38], 0, 14, [27, 32, 38]],
    ['classes first, and more of them than voxels', [42, 8, 9, 10], 0, 42, [8, 9, 10]],
    ['classes first on a large grid', [14, 3, 4, 224], 0, 14, [3, 4, 224]],
  ] as const)('%s', async (_, shape, axis, channels, spatial) => {
    const array = prior(shape, axis)
    const path = join(folder, 'prior.npy')
    writeFileSync(path, writeNpy(array))
    const volume = await readVolume(path)
    expect([volume.channels, volume.grid.shape]).toEqual([channels, [...spatial]])
    const { channels: said, grid } = await readVolumeHeader(path)
    expect([said, grid.shape]).toEqual([channels, [...spatial]])
    const voxels = spatial.reduce<number>((a, b) => a * b, 1)
    for (let i = 0; i < voxels; i += 13) {
      for (const c of [0, 1, channels - 1]) {
        const at = axis === 0 ? c * voxels + i : i * channels + c
        expect(volume.data[c * voxels + i]).toBe(array.data[at])
      }
    }
  })
})
