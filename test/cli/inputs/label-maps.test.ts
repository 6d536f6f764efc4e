import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readLabelVolume, readVolume, writeVolume } from '../../../src/io/files.js'
import type { Grid } from '../../../src/io/volume.js'
import { labelVoxelType } from '../../../src/io/voxel-type.js'
import { freeSurferTable } from '../../../src/sae/labels/freesurfer-table.js'
import { makeNifti } from '../../io/make-nifti.js'
import { makeStudy, sae, succeed, type Study } from '../support.js'

let study: Study
/** The middle of the grid is x = 0. */
const grid: Grid = {
  shape: [16, 8, 8],
  affine: [
    [2, 0, 0, -15],
    [0, 2, 0, 0],
    [0, 0, 2, 0],
    [0, 0, 0, 1],
  ],
  known: true,
}
const voxels = 16 * 8 * 8
const codes = freeSurferTable.classes.map((entry) => entry.codes[0]!)

beforeAll(async () => {
  study = await makeStudy()
})
afterAll(() => {
  study.remove()
})

async function writeLabels(name: string, code: (i: number) => number, description = ''): Promise<string> {
  const data = Float64Array.from({ length: voxels }, (_, i) => code(i))
  const volume = { data, channels: 1, grid, source: name, description }
  await writeVolume(study.path(name), volume, labelVoxelType(data))
  return study.path(name)
}

async function refused(args: readonly string[]): Promise<string> {
  const { code, errors } = await sae(args)
  expect(code).toBe(2)
  return errors.at(-1)!
}

/** Voxels by the name of the class, as sae prior prints them. */
function sharesOf(stdout: string): Record<string, number> {
  const rows = stdout.split('\n').flatMap((line) => {
    const [, name, count] = /^(.+?) +(\d+) +<?[\d.]+ %$/.exec(line) ?? []
    return name === undefined ? [] : [[name, Number(count)] as const]
  })
  return Object.fromEntries(rows)
}

describe('sae prior', () => {
  it('prints the voxels of every class, the parcels of aparc+aseg among them', async () => {
    const map = await writeLabels('aparc.nii.gz', (i) =>
      i < 100 ? 1001 + (i % 35) : i < 150 ? 2 : i < 153 ? 7777 : 0,
    )
    const { stdout, errors } = await succeed(['prior', map, '-o', study.path('p.nii.gz'), '--overwrite'])
    expect(sharesOf(stdout)).toMatchObject({
      background: voxels - 153,
      'cerebral cortex': 100,
      'cerebral white matter': 50,
      other: 3,
      pallidum: 0,
    })
    expect(errors.join('\n')).toMatch(
      /^warning: .*aparc\.nii\.gz: label 7777 \(3 voxels\) is not in the label table; taken for "other"$/m,
    )
    expect(errors.join('\n')).toMatch(/^warning: no voxel of pallidum, amygdala, /m)
  })

  it('refuses what is no map of FreeSurfer codes, in one line', async () => {
    const aal = await writeLabels('aal.nii.gz', (i) => i % 117)
    expect(await refused(['prior', aal, '-o', study.path('p.nii.gz'), '--overwrite'])).toMatch(
      /^sae: .*aal\.nii\.gz: does not look like FreeSurfer labels: \d+ of its 116 codes.*--classes$/,
    )
    const [unit, wide] = study.scans
    expect(await refused(['prior', unit, '-o', study.path('p.nii.gz'), '--overwrite'])).toMatch(
      /^sae: .*a\.nii\.gz: holds fractions from 0 to 1, as the map of one tissue does; /,
    )
    expect(await refused(['prior', wide, '-o', study.path('p.nii.gz'), '--overwrite'])).toMatch(
      /^sae: .*b\.nii: voxel \d+ has the value -?[\d.]+, .*: is this a label map\?$/,
    )
    expect(await refused(['evaluate', aal, aal])).toMatch(/does not look like FreeSurfer/)
  })

  it('takes the table beside an atlas, and asks where there is none', async () => {
    const { path } = study
    const atlas = await study.write(
      'atlas.nii.gz',
      new Float32Array(3 * voxels).fill(1 / 3),
      'float32',
      grid,
      3,
    )
    const args = ['prior', atlas, '-o', path('p.nii.gz'), '--overwrite']
    expect(await refused(args)).toMatch(
      /atlas\.nii\.gz: nothing says what its 3 channels are; give --classes/,
    )
    writeFileSync(path('atlas.tsv'), 'index\tname\tcodes\n0\tfluid\t4\n1\tair\t0\n2\tgrey\t9\n')
    const { stdout } = await succeed(args)
    expect(Object.keys(sharesOf(stdout))).toEqual(['fluid', 'air', 'grey'])
    const json = JSON.parse(readFileSync(path('p.json'), 'utf8')) as { classes: { name: string }[] }
    expect(json.classes.map(({ name }) => name)).toEqual(['fluid', 'air', 'grey'])
    rmSync(path('atlas.tsv'))
  })

  it('reads an atlas of NumPy with its classes last', async () => {
    const { path } = study
    const file = await study.write(
      'last.npy',
      new Float32Array(9 * 10 * 11 * 3).fill(1 / 3),
      'float32',
      { ...grid, shape: [10, 11, 3] },
      9,
    )
    await succeed(['prior', file, '--classes', '3', '-o', path('last.nii.gz')])
    const { channels, grid: written } = await readVolume(path('last.nii.gz'))
    expect([channels, written.shape]).toEqual([3, [9, 10, 11]])
  })

  it('takes the table of a BIDS folder', async () => {
    writeFileSync(study.path('bids.tsv'), 'index\tname\n5000000\tnucleus\n5000001\trim\n')
    const map = await writeLabels('bids-map.nii.gz', (i) => (i < 7 ? 5000000 : i < 12 ? 5000001 : 0))
    const { stdout } = await succeed([
      'prior',
      map,
      '--classes',
      study.path('bids.tsv'),
      '-o',
      study.path('p.nii.gz'),
      '--overwrite',
    ])
    expect(sharesOf(stdout)).toEqual({ background: voxels - 12, nucleus: 7, rim: 5 })
  })

  it('tells codes apart that float32 does not', async () => {
    const { path } = study
    const values = Array.from({ length: 64 }, (_, i) => 614454277 + (i % 2))
    writeFileSync(path('allen.nii'), makeNifti({ dims: [3, 4, 4, 4], datatype: 768, values }))
    writeFileSync(
      path('allen.json'),
      '{"classes":[{"name":"air","codes":[0]},{"name":"a","codes":[614454277]},{"name":"b","codes":[614454278]}]}',
    )
    const { stdout } = await succeed([
      'prior',
      path('allen.nii'),
      '--classes',
      path('allen.json'),
      '-o',
      path('p.nii.gz'),
      '--overwrite',
    ])
    expect(sharesOf(stdout)).toEqual({ air: 0, a: 32, b: 32 })
  })
})

describe('a label map that holds classes', () => {
  let classes: string
  beforeAll(async () => {
    // What sae em writes, from a prior that is sure of each voxel.
    const { path } = study
    const truth = await writeLabels('truth.nii.gz', (i) => codes[i % 14]!)
    const prior = new Float32Array(14 * voxels)
    for (let i = 0; i < voxels; i++) prior[(i % 14) * voxels + i] = 1
    await study.write('sure.nii.gz', prior, 'float32', grid, 14)
    await study.write(
      'scan.nii.gz',
      Float32Array.from({ length: voxels }, (_, i) => (i % 14) / 14 + (i % 3) / 100),
      'float32',
      grid,
    )
    for (const values of ['classes', 'codes', 'merged']) {
      await succeed([
        ...[
          'em',
          path('scan.nii.gz'),
          '--prior',
          path('sure.nii.gz'),
          '--classes',
          'freesurfer',
          '--bias',
          '0',
          '--beta',
          '0',
        ],
        ...['--labels-out', values, '-o', path(values)],
      ])
    }
    classes = path('classes/scan_dseg.nii.gz')
    expect(truth).toBe(path('truth.nii.gz'))
  }, 120_000)

  it('says so, away from its table too', async () => {
    const { path } = study
    const truth = path('truth.nii.gz')
    for (const file of [classes, path('codes/scan_dseg.nii.gz'), path('merged/scan_dseg.nii.gz')]) {
      expect((await succeed(['evaluate', file, truth])).stdout).toMatch(
        /mean of 12 regions +1\.0000 +0\.00 +0\.000 +1\.0000\n$/,
      )
    }
    renameSync(path('classes/scan_dseg.tsv'), path('classes/elsewhere.tsv'))
    expect((await succeed(['evaluate', classes, truth])).stdout).toMatch(
      /mean of 12 regions +1\.0000 +0\.00 +0\.000 +1\.0000\n$/,
    )
    expect((await succeed(['evaluate', truth, classes])).stdout).toMatch(
      /mean of 12 regions +1\.0000 +0\.00 +0\.000 +1\.0000\n$/,
    )
    const { stdout, errors } = await succeed(['prior', classes, '-o', path('p.nii.gz'), '--overwrite'])
    expect(Object.values(sharesOf(stdout)).every((count) => count > 70)).toBe(true)
    expect(errors.join('\n')).not.toMatch(/warning/)
  })

  it('is refused where another table or another word contradicts it', async () => {
    const { path } = study
    writeFileSync(
      path('other.json'),
      JSON.stringify({ classes: codes.map((code) => ({ name: `c${code}`, codes: [code] })) }),
    )
    expect(
      await refused(['evaluate', classes, path('truth.nii.gz'), '--classes', path('other.json')]),
    ).toMatch(
      /scan_dseg\.nii\.gz: by its header it holds the classes of another table than --classes .*other\.json/,
    )
    const beside = readFileSync(path('codes/scan_dseg.tsv'))
    writeFileSync(path('classes/scan_dseg.tsv'), beside)
    expect(await refused(['evaluate', classes, path('truth.nii.gz')])).toMatch(
      /holds classes by its header but codes by .*scan_dseg\.tsv/,
    )
    rmSync(path('classes/scan_dseg.tsv'))
  })

  it('has left and right codes by default, which are merged again to be scored', async () => {
    const { data } = await readLabelVolume(study.path('codes/scan_dseg.nii.gz'))
    for (let i = 0; i < voxels; i++) {
      const own = freeSurferTable.classes[i % 14]!.codes
      expect(data[i]).toBe(own[i < voxels / 2 ? 0 : own.length - 1])
    }
    const merged = await readLabelVolume(study.path('merged/scan_dseg.nii.gz'))
    expect([...merged.data]).toEqual(Array.from({ length: voxels }, (_, i) => codes[i % 14]))
  })
})

describe('sae evaluate', () => {
  it('marks regions that neither map has and leaves them out of the mean', async () => {
    const { path } = study
    const a = await writeLabels('two.nii.gz', (i) => (i < 200 ? 2 : i < 400 ? 3 : 0))
    const b = await writeLabels('two-b.nii.gz', (i) => (i < 100 ? 41 : i < 400 ? 42 : 0))
    const wm = (2 * 100 + 1) / (200 + 100 + 1)
    const cortex = (2 * 200 + 1) / (200 + 300 + 1)
    const { stdout, errors } = await succeed(['evaluate', a, b, '--csv', path('dice.csv')])
    expect(stdout).toMatch(/^pallidum +absent +absent +absent +absent$/m)
    expect(stdout).toMatch(new RegExp(`^mean of 2 regions +${((wm + cortex) / 2).toFixed(4)} `, 'm'))
    expect(errors.join('\n')).toMatch(/in neither map, and so not in the mean: pallidum, amygdala/)
    expect(errors.join('\n')).toMatch(
      /two\.nii\.gz: background 60\.9 %, cerebral cortex 19\.5 %, .*nothing of pallidum/,
    )
    expect(readFileSync(path('dice.csv'), 'utf8')).toMatch(/^two,pallidum,pal,neither,,,,,0,0$/m)
    const json = JSON.parse((await succeed(['evaluate', a, b, '--json'])).stdout) as {
      mean: number
      counted: number
      regions: { name: string; dice: number | null; absent: boolean }[]
    }
    expect(json.mean).toBeCloseTo((wm + cortex) / 2, 12)
    expect(json.counted).toBe(2)
    expect(json.regions[0]).toMatchObject({
      ...{ name: 'pallidum', abbreviation: 'pal', dice: null, absent: true },
      ...{ hd95: null, assd: null, vs: null, volume: 0, reference: 0 },
    })
    expect(json.regions.filter(({ absent }) => !absent)).toHaveLength(2)
  })
})
