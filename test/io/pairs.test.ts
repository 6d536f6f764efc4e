import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readLabelVolume, readVolume, readVolumeHeader, writeVolume } from '../../src/io/files.js'
import { decodeVolume } from '../../src/io/formats.js'
import { gzip } from '../../src/io/gzip.js'
import { pairOf } from '../../src/io/pairs.js'
import { makeNifti } from './make-nifti.js'
import { makeAnalyze, makeNiftiPair, type PairFiles } from './make-pair.js'
import { expectEveryCutRefused, makeVolume, rejectedUserError, userError } from './support.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sae-pairs-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})
const at = (name: string): string => join(folder, name)

function write(name: string, { header, image }: PairFiles): void {
  writeFileSync(at(`${name}.hdr`), header)
  writeFileSync(at(`${name}.img`), image)
}

const values = Array.from({ length: 24 }, (_, i) => i)
const fields = { dims: [3, 2, 3, 4], values, datatype: 4, pixdim: [1, 1.5, 2, 2.5] }
const inOrder = Array.from({ length: 24 }, (_, i) => {
  const [d, h, w] = [Math.floor(i / 12), Math.floor(i / 4) % 3, i % 4]
  return d + 2 * h + 6 * w
})

it('names the other file as the one that is given', () => {
  expect(pairOf('a/b.hdr')).toEqual({ header: 'a/b.hdr', image: 'a/b.img' })
  expect(pairOf('a.HDR')).toEqual({ header: 'a.HDR', image: 'a.IMG' })
  expect(pairOf('a.img.gz')).toEqual({ header: 'a.hdr.gz', image: 'a.img.gz' })
  expect(pairOf('a.nii')).toBeUndefined()
})

describe('pairs', () => {
  const sform = [
    [2, 0, 0, -10],
    [0, 0, 3, 20],
    [0, -1, 0, 5],
    [0, 0, 0, 1],
  ]
  it.each([1, 2] as const)('of NIfTI-%i are read by the name of either file', async (version) => {
    for (const littleEndian of [true, false]) {
      write('n', makeNiftiPair({ ...fields, version, littleEndian, sformCode: 1, sform }))
      for (const name of ['n.hdr', 'n.img']) {
        const { data, ...header } = await readVolume(at(name))
        expect([...data]).toEqual(inOrder)
        expect(header).toMatchObject({ source: at(name), grid: { affine: sform, known: true }, stored: 'i2' })
        expect(await readVolumeHeader(at(name))).toEqual(header)
      }
    }
  })

  it('of NIfTI begin their image at vox_offset, 0 or not, and may be gzipped', async () => {
    const { header, image } = makeNiftiPair({ ...fields, voxOffset: 16 })
    const shifted = new Uint8Array(image.length + 16)
    shifted.set(image, 16)
    writeFileSync(at('z.hdr.gz'), gzip(header))
    writeFileSync(at('z.img.gz'), gzip(shifted))
    expect([...(await readLabelVolume(at('z.img.gz'))).data]).toEqual(inOrder)
  })

  it('of Analyze say nothing of orientation but give the size of voxels', async () => {
    for (const littleEndian of [true, false]) {
      write('a', makeAnalyze({ ...fields, littleEndian }))
      const { data, ...header } = await readVolume(at('a.img'))
      expect([...data]).toEqual(inOrder)
      expect(header.grid).toMatchObject({
        known: false,
        affine: [
          [1.5, 0, 0, 0],
          [0, 2, 0, 0],
          [0, 0, 2.5, 0],
          [0, 0, 0, 1],
        ],
      })
      expect(header.warnings).toEqual([])
      expect(await readVolumeHeader(at('a.img'))).toEqual(header)
      await writeVolume(at('a.nii'), { data, ...header }, 'int16')
      expect((await readVolumeHeader(at('a.nii'))).grid).toEqual(header.grid)
    }
  })

  it("of Analyze may have SPM's scale factor and an orient field, which is ignored", async () => {
    write('s', makeAnalyze({ ...fields, slope: 0.5, orient: 2 }))
    const { data, warnings, stored } = await readVolume(at('s.hdr'))
    expect([...data]).toEqual(inOrder.map((value) => value / 2))
    expect(stored).toBeUndefined()
    expect(warnings?.join('\n')).toMatch(
      /s\.hdr: its values are multiplied by 0\.5.*\n.*orient field \(2\) is ignored/,
    )
  })

  it('without the other file, or with an empty one, are refused in one line', async () => {
    writeFileSync(at('alone.hdr'), makeAnalyze(fields).header)
    expect(await rejectedUserError(readVolumeHeader(at('alone.hdr')))).toMatch(
      /alone\.hdr: is the header of an image, but .*alone\.img is not there/,
    )
    writeFileSync(at('lone.img'), makeAnalyze(fields).image)
    expect(await rejectedUserError(readVolume(at('lone.img')))).toMatch(
      /lone\.img: is an image without its header, but .*lone\.hdr is not there/,
    )
    expect(await rejectedUserError(readVolume(at('no.hdr')))).toMatch(/no\.hdr: cannot be read: no such file/)
    writeFileSync(at('alone.img'), '')
    expect(await rejectedUserError(readVolume(at('alone.hdr')))).toMatch(/alone\.img: the file is empty/)
  })

  it.each<[string, PairFiles, RegExp]>([
    [
      'too many voxels',
      makeAnalyze({ ...fields, dims: [3, 2, 3, 5] }),
      /x\.img: the header says 2x3x5, 60 bytes, but 48 follow/,
    ],
    ['huge', makeAnalyze({ ...fields, dims: [4, 32767, 32767, 32767, 32767] }), /at most 1073741824 values/],
    ['negative', makeAnalyze({ ...fields, dims: [3, 2, -3, 4] }), /make no sense/],
    ['rank', makeAnalyze({ ...fields, dims: [9, 2, 3, 4] }), /make no sense/],
    ['flat', makeAnalyze({ ...fields, dims: [2, 6, 4] }), /6x4; three axes/],
    [
      'bits',
      { ...makeAnalyze({ ...fields, datatype: 1 }), image: makeAnalyze(fields).image },
      /Analyze datatype 1 are/,
    ],
    ['offset', makeAnalyze({ ...fields, voxOffset: -4 }), /vox_offset/],
    ['NIfTI cut', makeNiftiPair({ ...fields, dims: [3, 2, 3, 5] }), /x\.img: the header says 2x3x5/],
    [
      'one file',
      { header: makeNifti(fields), image: makeAnalyze(fields).image },
      /in one file .*rename it to \.nii/,
    ],
    ['no header', { header: Uint8Array.from([1, 2, 3]), image: makeAnalyze(fields).image }, /unknown kind/],
  ])('are refused where they lie: %s', async (_, files, message) => {
    write('x', files)
    expect(await rejectedUserError(readVolume(at('x.hdr')))).toMatch(message)
  })

  it('cut anywhere are refused; the image is asked for if only the header is given', () => {
    const { header, image } = makeAnalyze(fields)
    expectEveryCutRefused(header, (cut) => decodeVolume(cut, 'a.hdr', image))
    expectEveryCutRefused(image, (cut) => decodeVolume(header, 'a.hdr', cut))
    expect(userError(() => decodeVolume(header, 'a.hdr'))).toBe('a.hdr: its voxels, a.img, are not given')
  })

  it('are not written', async () => {
    expect(await rejectedUserError(writeVolume(at('w.hdr'), makeVolume(1, [1, 1, 1]), 'uint8'))).toMatch(
      /pairs are read but not written; it must end in \.nii\.gz/,
    )
  })
})

describe('one of several volumes', () => {
  it('is counted from 0', async () => {
    for (const name of ['v.nii.gz', 'v.mgz', 'v.npy']) {
      const volume = makeVolume(3, [4, 5, 6])
      await writeVolume(at(name), volume, 'int16')
      for (const index of [0, 2]) {
        const { data, ...header } = await readVolume(at(name), { volume: index })
        expect(data).toEqual(volume.data.slice(120 * index, 120 * (index + 1)))
        expect(header.channels).toBe(1)
        expect(await readVolumeHeader(at(name), { volume: index })).toMatchObject(header)
      }
      expect(await rejectedUserError(readVolumeHeader(at(name), { volume: 3 }))).toMatch(
        /has 3 volumes, 0 to 2, but no volume 3/,
      )
    }
  })

  it('of a file with one is that', async () => {
    await writeVolume(at('one.mgh'), makeVolume(1, [4, 5, 6]), 'int16')
    expect((await readVolume(at('one.mgh'), { volume: 7 })).channels).toBe(1)
  })
})
