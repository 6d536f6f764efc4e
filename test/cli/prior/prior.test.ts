import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readVolume } from '../../../src/io/files.js'
import { unknownGrid } from '../../../src/io/volume.js'
import { toClasses } from '../../../src/sae/labels/label-codes.js'
import { phantomTable } from '../../../src/sae/phantom/phantom.js'
import { priorFromLabels } from '../../../src/sae/prior/prior-from-labels.js'
import { grid, makeStudy, sae, shape, succeed, type Study } from '../support.js'

let study: Study
const K = phantomTable.classes.length

beforeAll(async () => {
  study = await makeStudy()
  const { unpaired, classes, path } = study
  await succeed(['prior', unpaired, '--classes', classes, '--floor', '1e-4', '-o', path('prior.nii.gz')])
})
afterAll(() => {
  study.remove()
})

describe('sae prior', () => {
  it('writes probabilities on the grid of the labels, and what their classes are', async () => {
    const { data, channels, grid: written } = await readVolume(study.path('prior.nii.gz'))
    expect([channels, written.shape]).toEqual([K, [...shape]])
    const voxels = data.length / K
    for (let i = 0; i < voxels; i++) {
      let sum = 0
      for (let c = 0; c < K; c++) sum += data[c * voxels + i]!
      expect(Math.abs(sum - 1)).toBeLessThan(1e-6)
    }
    expect(data.every((p) => p === 0 || p >= 1e-4)).toBe(true)
    expect(JSON.parse(readFileSync(study.path('prior.json'), 'utf8'))).toMatchObject({
      ...phantomTable,
      blur: 1.5,
    })
  })

  it('says that its output is a folder', async () => {
    const { code, errors } = await sae(['prior', study.unpaired, '-o', study.folder])
    expect([code, errors]).toEqual([
      2,
      [`sae: ${study.folder}: is a folder, but a file is to be written there; give another -o`],
    ])
  })

  it('takes no map without labels into the mean', async () => {
    const { labels, path, write } = study
    const empty = await write('empty.nii.gz', new Float32Array(shape[0] * shape[1] * shape[2]), 'uint8')
    for (const maps of [[labels[0], empty], [empty]]) {
      const { code, errors } = await sae(['prior', ...maps, '-o', path('thin.nii.gz')])
      expect([code, errors.at(-1)]).toEqual([
        2,
        `sae: ${empty}: every voxel is background; leave this map out`,
      ])
    }
    expect(existsSync(path('thin.nii.gz'))).toBe(false)
  })

  it('counts nobody twice', async () => {
    const { labels, path } = study
    const other = path('link.nii.gz')
    symlinkSync(labels[0], other)
    const { code, errors } = await sae(['prior', labels[0], other, '-o', path('twice.nii.gz')])
    expect([code, errors]).toEqual([2, [`sae: ${other}: is given more than once; give each map once`]])
  })

  it('blurs by millimetres, whatever the voxels, and thins afterwards', async () => {
    const { labels, path } = study
    const classes = ['--classes', study.classes]
    await succeed(['prior', labels[0], ...classes, '--blur', '3', '--every', '2', '-o', path('mm.nii.gz')])
    const map = toClasses((await readVolume(labels[0])).data, phantomTable)
    const expected = priorFromLabels(map, shape, K, { sigma: [3, 2, 1.5], every: 2 })
    expect((await readVolume(path('mm.nii.gz'))).data).toEqual(expected)

    const args = ['prior', ...labels.toReversed(), ...classes, '-o', path('npz.nii.gz')]
    const { errors } = await succeed(args)
    expect(errors.filter((line) => line.includes('1 mm'))).toEqual([
      `${labels[1]}: does not state its voxel size; --blur assumes 1 mm`,
    ])
    const sharp = await succeed(['prior', labels[1], ...classes, '--blur', '0', '-o', path('sharp.nii.gz')])
    expect(sharp.errors.join('\n')).toMatch(/^warning: .*b-labels\.npz: without a blur, [^\n]*$/)
  })

  it('averages several label maps, and uses an atlas unchanged', async () => {
    const { labels, path } = study
    const classes = ['--classes', study.classes]
    await succeed(['prior', ...labels, ...classes, '--blur', '0', '-o', path('mean.nii')])
    const mean = await readVolume(path('mean.nii'))
    const [a, b] = await Promise.all(
      labels.map(async (file) => toClasses((await readVolume(file)).data, phantomTable)),
    )
    expect(mean.data).toEqual(
      Float32Array.from(mean.data, (_, at) => {
        const [c, i] = [Math.floor(at / a!.length), at % a!.length]
        return (Number(a![i] === c) + Number(b![i] === c)) / 2
      }),
    )
    await succeed(['prior', path('mean.nii'), ...classes, '-o', path('same.nii.gz')])
    expect((await readVolume(path('same.nii.gz'))).data).toEqual(mean.data)
  })

  it('keeps every other voxel where it lies in the world', async () => {
    await succeed([
      'prior',
      study.labels[0],
      '--classes',
      study.classes,
      '--every',
      '2',
      '--blur',
      '0',
      '-o',
      study.path('half.nii.gz'),
    ])
    const { data, grid: half } = await readVolume(study.path('half.nii.gz'))
    expect(half.shape).toEqual([8, 8, 7])
    expect(half.affine).toEqual(
      grid.affine.map((row) => row.map((value, column) => (column < 3 ? 2 * value : value))),
    )
    const labels = toClasses((await readVolume(study.labels[0])).data, phantomTable)
    const [d, h, w] = [4, 5, 6]
    const c = labels[(2 * d * shape[1] + 2 * h) * shape[2] + 2 * w]!
    expect(data[((c * 8 + d) * 8 + h) * 7 + w]).toBe(1)
  })

  it('thins no axis to one voxel unless it has no more', async () => {
    const args = ['prior', study.labels[0], '--classes', study.classes, '-o', study.path('thin.nii.gz')]
    const { code, errors } = await sae([...args, '--every', '100'])
    expect([code, errors]).toEqual([2, [expect.stringMatching(/^sae: --every 100: keeps one voxel along /)]])
    expect(existsSync(study.path('thin.nii.gz'))).toBe(false)
    const flat = unknownGrid([1, 4, 4])
    const slice = await study.write('slice.nii', new Float32Array(16).fill(3), 'uint8', flat)
    await succeed(['prior', slice, '--every', '2', '-o', study.path('slice-prior.nii')])
    expect((await readVolume(study.path('slice-prior.nii'))).grid.shape).toEqual([1, 2, 2])
  })

  it('warns if labels look like classes', async () => {
    const bare = await study.write(
      'bare.nii',
      new Float32Array(shape[0] * shape[1] * shape[2]).fill(5),
      'uint8',
    )
    const { errors } = await succeed(['prior', bare, '-o', study.path('bare-prior.nii.gz')])
    expect(errors.join()).toMatch(/^warning: .*highest label is 5, .*--classes 6/)
  })
})
