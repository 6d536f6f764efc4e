import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  readTensors,
  readVolume,
  writeFileAtomic,
  writeTensors,
  writeVolume,
  type Float32Tensor,
} from '../../src/io/files.js'
import { gzip } from '../../src/io/gzip.js'
import { writeNifti } from '../../src/io/nifti-write.js'
import { writeSafetensors, type Tensor } from '../../src/io/safetensors.js'
import { dict, legacyFile, tensor } from './make-torch.js'
import { makeMgh } from './make-mgh.js'
import { makeVolume, rejectedUserError } from './support.js'

let folder = ''
const at = (name: string) => join(folder, name)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sae-io-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const volume = makeVolume(2, [3, 4, 5])

describe('readVolume and writeVolume', () => {
  it.each(['a.nii', 'a.nii.gz', 'a.npz', 'a.npy', 'A.NII.GZ'])('give back %s', async (name) => {
    for (const type of ['int16', 'float32'] as const) {
      await writeVolume(at(name), volume, type)
      const back = await readVolume(at(name))
      expect(back).toMatchObject({ channels: 2, source: at(name), grid: { shape: [3, 4, 5], known: false } })
      expect(back.data).toEqual(volume.data)
    }
    expect(await readdir(folder)).toEqual([name])
  })

  it('write integers no wider than asked, in every format', async () => {
    const one = makeVolume(1, [2, 3, 4], 0)
    for (const [name, header] of [
      ['a.nii', 352],
      ['a.npy', 128],
    ] as const) {
      for (const [type, width] of [
        ['uint8', 1],
        ['int16', 2],
        ['float32', 4],
      ] as const) {
        await writeVolume(at(name), one, type)
        expect((await stat(at(name))).size).toBe(header + 24 * width)
      }
    }
    for (const name of ['a.nii', 'a.npz', 'a.npy']) {
      expect(await rejectedUserError(writeVolume(at(name), volume, 'uint8'))).toContain('does not fit uint8')
    }
  })

  it('write the same file from the same volume', async () => {
    for (const name of ['a.nii.gz', 'a.npz']) {
      await writeVolume(at(name), volume, 'int16')
      const before = await readFile(at(name))
      await writeVolume(at(name), volume, 'int16')
      expect(await readFile(at(name))).toEqual(before)
    }
  })

  it('read NIfTI whether or not it is gzipped, under either name', async () => {
    const bytes = writeNifti(volume, 'int16')
    await writeFile(at('a.nii.gz'), bytes)
    await writeFile(at('b.nii'), gzip(bytes))
    expect((await readVolume(at('a.nii.gz'))).data).toEqual(volume.data)
    expect((await readVolume(at('b.nii'))).data).toEqual(volume.data)
  })

  const nifti = writeNifti(volume, 'int16')
  it.each<[string, Uint8Array, RegExp]>([
    ['a.nii.gz', zipSync({ x: nifti }), /not what the name says, but a zip archive/],
    ['a.npz', nifti, /but a NIfTI image/],
    ['a.npy', gzip(nifti), /but gzip data/],
    ['a.nii', Buffer.from(`${' '.repeat(128)}DICM`), /but a DICOM file; convert it \(dcm2niix\)$/],
    ['a.dcm', Buffer.from('DICM'), /a DICOM file by its name, .* dcm2niix -z y/],
    ['a.nii', Buffer.from('hello'), /but of an unknown kind/],
    ['a.nii', new Uint8Array(0), /the file is empty/],
    ['a.nii', nifti.slice(0, 400), /truncated/],
    ['a.nii.gz', gzip(nifti).slice(0, 100), /truncated within its header/],
    ['a.nii.gz', gzip(nifti).slice(0, -20), /gzip data truncated or damaged/],
    ['a.npz', zipSync({ x: nifti }).slice(0, 100), /zip archive truncated or damaged/],
    ['a.mgz', nifti, /but a NIfTI image/],
    ['a.nii', makeMgh({ dims: [1, 1, 1, 1], values: [1] }), /but a FreeSurfer volume/],
    ['a.mnc', nifti, /must end in \.nii\.gz, \.nii, \.mgz, \.mgh, \.hdr\.gz/],
  ])('refuse %s of other content, naming it', async (name, content, message) => {
    await writeFile(at(name), content)
    const text = await rejectedUserError(readVolume(at(name)))
    expect(text).toMatch(message)
    expect(text).toContain(at(name))
  })

  it('refuse a missing file, a folder, and a missing folder', async () => {
    await mkdir(at('x.nii'))
    expect(await rejectedUserError(readVolume(at('no.nii')))).toBe(
      `${at('no.nii')}: cannot be read: no such file or folder`,
    )
    expect(await rejectedUserError(readVolume(at('x.nii')))).toContain('a folder, not a file')
    expect(await rejectedUserError(writeVolume(at('x.nii'), volume, 'int16'))).toContain(
      'cannot be written: a folder',
    )
    expect(await rejectedUserError(writeVolume(at('no/a.nii'), volume, 'int16'))).toContain(
      'no such file or folder',
    )
    expect(await rejectedUserError(writeVolume(at('a.png'), volume, 'int16'))).toContain('must end in')
    expect(await readdir(folder)).toEqual(['x.nii'])
  })

  const root = process.getuid?.() === 0
  if (root) console.warn('SKIPPED: unreadable files cannot be made by root')
  it.skipIf(root)('refuse an unreadable file', async () => {
    await writeFile(at('a.nii'), nifti)
    await chmod(at('a.nii'), 0)
    expect(await rejectedUserError(readVolume(at('a.nii')))).toContain('permission denied')
  })
})

describe('readTensors', () => {
  const data = Float32Array.of(1, 2, 3)
  const weights = new Map<string, Tensor>([['encoder.conv.weight', { dtype: 'F32', shape: [3], data }]])
  const checkpoint = legacyFile({
    root: dict({ u1: dict({ 'module.conv.weight': tensor({ key: 'a', shape: [3], length: 3 }) }) }),
    storages: [{ key: 'a', data }],
  })

  it.each(['w.pth.tar', 'w.pth', 'w.pt', 'W.PTH.TAR', 'w'])(
    'reads a PyTorch checkpoint named %s',
    async (name) => {
      await writeFile(at(name), checkpoint)
      expect(await readTensors(at(name))).toEqual({ tensors: weights, metadata: {} })
    },
  )

  it('reads safetensors', async () => {
    await writeFile(at('w.safetensors'), writeSafetensors(weights, { step: '3' }))
    expect(await readTensors(at('w.safetensors'))).toEqual({ tensors: weights, metadata: { step: '3' } })
  })

  it.each([
    ['w.pth', 'hello', /not a weights file/],
    ['w.safetensors', 'hello', /too short/],
    ['w.txt', 'a longer text', /not a weights file/],
    ['w.safetensors', '', /the file is empty/],
  ])('refuses %s that holds "%s"', async (name, content, message) => {
    await writeFile(at(name), content)
    const text = await rejectedUserError(readTensors(at(name)))
    expect(text).toMatch(message)
    expect(text).toContain(at(name))
  })
})

describe('writeTensors', () => {
  const shape = [1, 2]

  it('gives back what readTensors reads; what names no type is F32', async () => {
    const index = { dtype: 'I32' as const, shape, data: Int32Array.of(-1, 7) }
    const weight = { shape, data: Float32Array.of(0.5, -3) }
    await writeTensors(
      at('w.safetensors'),
      new Map<string, Tensor | Float32Tensor>(Object.entries({ index, weight })),
      { step: '3' },
    )
    const { tensors, metadata } = await readTensors(at('w.safetensors'))
    expect(Object.fromEntries(tensors)).toEqual({ index, weight: { dtype: 'F32', ...weight } })
    expect(metadata).toEqual({ step: '3' })
  })

  it('writes nothing under another extension', async () => {
    const message = await rejectedUserError(writeTensors(at('w.pth.tar'), new Map()))
    expect(message).toContain('w.pth.tar: weights are written as .safetensors only')
    expect(await readdir(folder)).toEqual([])
  })
})

describe('writeFileAtomic', () => {
  it('replaces a file as a whole and leaves no other', async () => {
    await writeFileAtomic(at('a'), Uint8Array.of(1, 2, 3))
    await writeFileAtomic(at('a'), Uint8Array.of(4))
    expect([...(await readFile(at('a')))]).toEqual([4])
    expect(await readdir(folder)).toEqual(['a'])
  })

  it('keeps the old file and removes its own if it fails', async () => {
    await mkdir(at('a'))
    await writeFile(at('a/kept'), 'x')
    expect(await rejectedUserError(writeFileAtomic(at('a'), Uint8Array.of(1)))).toContain(
      `${at('a')}: cannot be written`,
    )
    expect(await readdir(folder)).toEqual(['a'])
    expect(await readdir(at('a'))).toEqual(['kept'])
  })
})

describe('the real scan', () => {
  const path = join(process.env.SAE_DATA ?? '../shared/data', 'vols', 'OASIS_0009.npz')
  const present = existsSync(path)
  if (!present) console.warn(`SKIPPED: no real scan at ${path} (set SAE_DATA)`)

  it.skipIf(!present)('loads in about a second and comes back from .nii.gz', async () => {
    const start = performance.now()
    const scan = await readVolume(path)
    const seconds = (performance.now() - start) / 1000
    expect(scan).toMatchObject({ channels: 1, grid: { shape: [160, 192, 224], known: false } })
    expect(seconds).toBeLessThan(3)
    const [low, high] = scan.data.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [
      Infinity,
      -Infinity,
    ] as [number, number])
    expect(low).toBe(0)
    expect(high).toBeGreaterThan(0.5)
    expect(high).toBeLessThanOrEqual(1)
    await writeVolume(at('scan.nii.gz'), scan, 'float32')
    const back = await readVolume(at('scan.nii.gz'))
    expect(Buffer.compare(Buffer.from(back.data.buffer), Buffer.from(scan.data.buffer))).toBe(0)
  })
})
