/** `sae segment` thins scans as the training did, and warns of voxels of another size. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sampledGrid, subsample } from '../../../src/cli/grids/subsample.js'
import { readVolume } from '../../../src/io/files.js'
import { readSafetensors, writeSafetensors } from '../../../src/io/safetensors.js'
import { unknownGrid, type Grid } from '../../../src/io/volume.js'
import { writeFileAtomic } from '../../../src/io/atomic-file.js'
import { grid, makeStudy, sae, shape, succeed, type Study } from '../support.js'

let study: Study
const half = [8, 8, 7] as const

beforeAll(async () => {
  study = await makeStudy()
  const { scans, unpaired, classes, path } = study
  await succeed(['prior', unpaired, '--classes', classes, '-o', path('prior.nii.gz')])
  await succeed(['prior', unpaired, '--classes', classes, '--every', '2', '-o', path('half.nii.gz')])
  const prior = ['--prior', path('prior.nii.gz'), '-o', path('run')]
  await succeed(['pretrain', ...scans, ...prior, '--every', '2', '--epochs', '1'])
  const init = ['--init', path('run/pretrained.safetensors'), '--decoder-steps', '1']
  await succeed(['train', ...scans, ...prior, '--every', '2', '--epochs', '1', ...init])
})
afterAll(() => {
  study.remove()
})

/** The scan in a file of its own, on another grid. */
async function scanOn(name: string, on: Grid): Promise<string> {
  const { data } = await readVolume(study.scans[0])
  return study.write(name, data, 'float32', on)
}

/** Segments a scan. @returns the shape of the segmentation, the warnings, and the note of thinning if there is one */
async function segment(scan: string, ...more: string[]) {
  const { path } = study
  const weights = more.includes('--weights') ? [] : ['--weights', path('run/best.safetensors')]
  const prior = more.includes('--prior') ? [] : ['--prior', path('prior.nii.gz')]
  const { errors } = await succeed([
    'segment',
    scan,
    ...weights,
    ...prior,
    ...more,
    '-o',
    path('out'),
    '--overwrite',
  ])
  const name = /([^/]+)\.nii(\.gz)?$/.exec(scan)![1]!
  return {
    shape: (await readVolume(path(`out/${name}_dseg.nii.gz`))).grid.shape,
    warnings: errors.filter((line) => /^warning: .*its voxels are/.test(line)),
    notes: errors.filter((line) => line.includes('segmented with --every')),
  }
}

describe('weights', () => {
  it.each(['pretrained', 'best', 'last'])('keep the voxels that they were trained on (%s)', (name) => {
    const { metadata } = readSafetensors(readFileSync(study.path(`run/${name}.safetensors`)))
    expect(JSON.parse(metadata.grid!)).toEqual({ voxelSize: [2, 3, 4], every: 2 })
  })
})

describe('sae segment', () => {
  it('thins a scan as those of the training, and says so', async () => {
    const found = await segment(study.scans[0])
    expect(found).toMatchObject({ shape: half, warnings: [] })
    expect(found.notes).toEqual([
      `segmented with --every 2, as ${study.path('run/best.safetensors')} was trained; --every 1 takes all voxels`,
    ])
    const run = JSON.parse(readFileSync(study.path('out/run.json'), 'utf8')) as {
      runs: { options: { every: number } }[]
    }
    expect(run.runs.at(-1)!.options.every).toBe(2)
  })

  it('gives what the same --every gives', async () => {
    const file = study.path('out/a_dseg.nii.gz')
    await segment(study.scans[0])
    const byDefault = (await readVolume(file)).data
    await segment(study.scans[0], '--every', '2')
    expect((await readVolume(file)).data).toEqual(byDefault)
  })

  it('obeys --every, with a warning that names the right one', async () => {
    const found = await segment(study.scans[0], '--every', '1')
    expect(found).toMatchObject({ shape, notes: [] })
    expect(found.warnings).toEqual([
      `warning: ${study.scans[0]}: its voxels are 1 x 1.5 x 2 mm, but ${study.path('run/best.safetensors')} was trained on voxels of 2 x 3 x 4 mm; expect a worse segmentation, or give --every 2`,
    ])
    expect((await segment(study.scans[0], '--every', '3')).warnings[0]).toMatch(
      /its voxels are 3 x 4\.5 x 6 mm with --every 3, .* or give --every 2$/,
    )
  })

  it('takes all voxels of a scan that has those of the training already', async () => {
    const thin = subsample(await readVolume(study.scans[0]), 2)
    const scan = await study.write('thin.nii', thin.data, 'float32', sampledGrid(grid, 2))
    const found = await segment(scan, '--prior', study.path('half.nii.gz'))
    expect(found).toEqual({ shape: half, warnings: [], notes: [] })
  })

  it('takes voxels of unknown size for 1 mm', async () => {
    const scan = await scanOn('bare.nii', unknownGrid(shape))
    const found = await segment(scan)
    expect(found.shape).toEqual([...shape])
    expect(found.warnings[0]).toMatch(/its voxels are 1 x 1 x 1 mm, .* or resample the scan/)
  })

  it('is silent about weights that do not say, and refuses what says nonsense', async () => {
    const { path } = study
    const { tensors, metadata } = readSafetensors(readFileSync(path('run/best.safetensors')))
    const { checksum, grid: said, ...rest } = metadata
    expect([checksum, said]).not.toContain(undefined)
    await writeFileAtomic(path('old.safetensors'), writeSafetensors(tensors, rest))
    expect(await segment(study.scans[0], '--weights', path('old.safetensors'))).toEqual({
      shape: [...shape],
      warnings: [],
      notes: [],
    })
    for (const nonsense of [
      '{',
      'null',
      '{"voxelSize":[2,3,0],"every":2}',
      '{"voxelSize":[2,3,4],"every":0}',
    ]) {
      await writeFileAtomic(path('odd.safetensors'), writeSafetensors(tensors, { ...rest, grid: nonsense }))
      const args = [
        'segment',
        study.scans[0],
        '--weights',
        path('odd.safetensors'),
        '--prior',
        path('prior.nii.gz'),
      ]
      const { code, errors } = await sae([...args, '-o', path('out'), '--overwrite'])
      expect(code, nonsense).toBe(2)
      expect(errors).toEqual([
        expect.stringContaining('odd.safetensors: its metadata does not describe the grid of its training'),
      ])
    }
  })
})
