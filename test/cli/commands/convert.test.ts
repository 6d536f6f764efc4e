import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { convertedType } from '../../../src/cli/outputs/converted-type.js'
import { readLabelVolume, writeVolume } from '../../../src/io/files.js'
import { describeAxes, orientationTowards, reorientGrid } from '../../../src/io/orientation.js'
import { unknownGrid, type LabelVolume } from '../../../src/io/volume.js'
import { makeNifti } from '../../io/make-nifti.js'
import { makeAnalyze } from '../../io/make-pair.js'
import { makeVolume, userError } from '../../io/support.js'
import { grid, sae, succeed } from '../support.js'

let folder = ''
const at = (name: string): string => join(folder, name)
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sae-convert-'))
  const volume = makeVolume(2, grid.shape)
  await writeVolume(at('scan.nii.gz'), { ...volume, grid, description: 'a test' }, 'int16')
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const turn = { axes: [1, 0, 2], flips: [false, true, false] } as const

describe('sae convert', { timeout: 60_000 }, () => {
  it('keeps voxels, their type and their places through every format and back', async () => {
    const original = await readLabelVolume(at('scan.nii.gz'))
    let last = at('scan.nii.gz')
    for (const name of ['1.mgz', '2.mgh', '3.nii', '4.nii.gz']) {
      await succeed(['convert', last, at(name)])
      last = at(name)
      const volume = await readLabelVolume(last)
      expect(volume.data).toEqual(original.data)
      expect(volume).toMatchObject({ channels: 2, stored: 'i2', grid: { affine: grid.affine, known: true } })
    }
    // From NIfTI to NIfTI, both forms and the description stay.
    await succeed(['convert', at('scan.nii.gz'), at('same.nii')])
    const { source, ...same } = await readLabelVolume(at('same.nii'))
    expect(source).toBe(at('same.nii'))
    expect(original).toMatchObject(same)
    const { errors } = await succeed(['convert', at('scan.nii.gz'), at('5.npz')])
    expect(errors.join('\n')).toMatch(/warning: .*5\.npz: does not keep where the voxels lie/)
    expect((await readLabelVolume(at('5.npz'))).stored).toBe('i2')
  })

  it('writes one of several volumes, its axes as asked for, every voxel in its place', async () => {
    const args = ['convert', at('scan.nii.gz'), at('lia.mgz'), '--volume', '1', '--orientation', 'lia']
    const { stdout } = await succeed(args)
    expect(stdout).toContain('15x13x16 voxels LIA, int16')
    const [turned, { data }] = [
      await readLabelVolume(at('lia.mgz')),
      await readLabelVolume(at('scan.nii.gz')),
    ]
    expect([describeAxes(turned.grid), turned.channels]).toEqual(['LIA', 1])
    await succeed(['convert', at('lia.mgz'), at('back.nii'), '--orientation', describeAxes(grid)])
    const back = await readLabelVolume(at('back.nii'))
    expect(back.data).toEqual(data.slice(data.length / 2))
    expect(back.grid.affine).toEqual(grid.affine)
    const again = await sae(args)
    expect([again.code, again.errors.join()]).toEqual([
      2,
      expect.stringContaining('give --overwrite to replace'),
    ])
    await succeed([...args, '--overwrite'])
  })

  it('says once that Analyze does not know its sides, and refuses to turn it', async () => {
    const { header, image } = makeAnalyze({
      dims: [3, 1, 1, 2],
      values: [1, 2],
      datatype: 4,
      pixdim: [1, 2, 2, 2],
    })
    writeFileSync(at('old.hdr'), header)
    writeFileSync(at('old.img'), image)
    const { errors } = await succeed(['convert', at('old.img'), at('new.nii')])
    expect(errors.filter((line) => line.includes('orientation'))).toHaveLength(1)
    expect((await readLabelVolume(at('new.nii'))).grid).toMatchObject({
      known: false,
      affine: { 0: [2, 0, 0, 0] },
    })
    const turned = await sae(['convert', at('old.img'), at('turned.nii'), '--orientation', 'RAS'])
    expect([turned.code, turned.errors.join()]).toEqual([
      2,
      expect.stringMatching(/old\.img: says nothing of its/),
    ])
  })

  it.each([
    [['scan.nii.gz', 'scan.nii.gz'], /is an input of this command; give another output/],
    [['scan.nii.gz', 'x.img'], /pairs are read but not written/],
    [['scan.nii.gz', 'x.mgz', '--volume', '2'], /has 2 volumes, 0 to 1, but no volume 2/],
    [['no.hdr', 'x.nii'], /no\.hdr: cannot be read: no such file/],
    [['scan.nii.gz', 'x.nii', '--orientation', 'RAP'], /must name a side for each axis/],
  ])('refuses %j', async (args, message) => {
    const [input, output, ...options] = args as [string, string, ...string[]]
    const { code, errors } = await sae(['convert', at(input), at(output), ...options])
    expect(code).toBe(2)
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatch(message)
  })
})

it('axes are named and found in all 48 orientations', () => {
  const codes = new Set<string>()
  for (const order of ['RAS', 'RSA', 'ARS', 'ASR', 'SRA', 'SAR']) {
    for (let bits = 0; bits < 8; bits++) {
      const code = Array.from(order, (side, i) =>
        (bits >> i) & 1 ? 'LPI'['RAS'.indexOf(side)]! : side,
      ).join('')
      codes.add(code)
      for (const from of [grid, reorientGrid(grid, turn)])
        expect(describeAxes(reorientGrid(from, orientationTowards(from, code)))).toBe(code)
    }
  }
  expect(codes.size).toBe(48)
})

describe('the type of converted voxels', () => {
  const volume = (stored: LabelVolume['stored'], ...values: number[]): LabelVolume => ({
    ...{ channels: 1, grid: unknownGrid([1, 1, values.length]), source: 'a', stored },
    data: Float64Array.from(values),
  })

  it.each([
    ['i1', -1, '.nii', 'int16'],
    ['u2', 65535, '.mgz', 'int32'],
    ['u4', 7, '.mgz', 'int32'],
    ['u4', 2 ** 32 - 1, '.nii.gz', 'float64'],
    ['i8', -(2 ** 31), '.nii', 'int32'],
    ['f2', 0.5, '.npz', 'float32'],
    ['f8', 0.5, '.mgh', 'float32'],
    [undefined, 0.5, '.nii', 'float32'],
  ] as const)('%s of %d to %s is %s, which is said', (stored, value, format, type) => {
    const converted = convertedType(volume(stored, value), format)
    expect(converted.type).toBe(type)
    expect(converted.remark).toContain(type)
  })

  it.each([
    ['u1', 'uint8'],
    ['i2', 'int16'],
    ['i4', 'int32'],
    ['f4', 'float32'],
    ['f8', 'float64'],
  ] as const)('%s stays %s', (stored, type) => {
    expect(convertedType(volume(stored, 1), '.nii')).toEqual({ type, remark: undefined })
  })

  it('is refused where integers were not read exactly', () => {
    expect(userError(() => convertedType(volume('u8', 2 ** 60), '.nii'))).toContain('beyond 2^53')
    const scaled = makeNifti({ dims: [3, 1, 1, 2], values: [1, 2], datatype: 4, slope: 0.5 })
    writeFileSync(at('scaled.nii'), scaled)
    return expect(readLabelVolume(at('scaled.nii'))).resolves.toMatchObject({ stored: undefined })
  })
})
