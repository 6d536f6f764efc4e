/** Files of a study on different grids: `--resample`, and `sae resample`. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { regrid } from '../../../src/cli/grids/regrid.js'
import { sampledGrid } from '../../../src/cli/grids/subsample.js'
import { readLabelVolume, readVolume } from '../../../src/io/files.js'
import { readSafetensors } from '../../../src/io/safetensors.js'
import type { Grid } from '../../../src/io/volume.js'
import { gridAt } from '../../sae/resampling/grids.js'
import { grid, makeStudy, sae, succeed, type Study } from '../support.js'

let study: Study
/** Of other voxels, askew, their axes in another order: it holds the brain. */
const oblique: Grid = (() => {
  const { shape, affine } = gridAt([22, 20, 17], [1.4, 1.2, 1.7], [9, 7, -12], [83, 114.75, -60])
  const turned = affine.map((row) => [row[2]!, row[0]!, row[1]!, row[3]!])
  return { shape: [shape[2], shape[0], shape[1]], affine: turned, known: true }
})()
/** That of the study half a voxel further, with both forms of NIfTI. */
const half = sampledGrid(grid, 1, [0.5, 0, 0.5])
const far = gridAt([9, 8, 7], [1, 1, 1], [0, 0, 0], [300, 0, 0])

beforeAll(async () => {
  study = await makeStudy()
  const { labels, scans, classes, path } = study
  await succeed(['prior', labels[0], '--classes', classes, '--blur', '1', '-o', path('prior.nii.gz')])
  const [scan, map] = [await readVolume(scans[0]), await readLabelVolume(labels[0])]
  for (const [name, onto] of Object.entries({ oblique, half })) {
    await study.write(`${name}.nii.gz`, regrid(scan, onto).data, 'float32', onto)
    const codes = Float32Array.from(regrid(map, onto).data)
    await study.write(`${name}-labels.nii.gz`, codes, 'uint8', onto)
  }
  await study.write(
    'far.nii.gz',
    Float32Array.from({ length: 504 }, (_, i) => i),
    'float32',
    far,
  )
}, 120_000)
afterAll(() => {
  study.remove()
})

async function refused(args: readonly string[]): Promise<string> {
  const { code, errors, stdout } = await sae(args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  return errors.at(-1)!
}

/** A file lies as the scan does, by both forms of its header. */
async function expectPlaceOf(file: string, scan: string): Promise<void> {
  const [result, own] = [await readVolume(study.path(file)), await readVolume(study.path(scan))]
  expect(result.grid).toEqual(own.grid)
}

const em = (scans: readonly string[], output: string, ...more: string[]): string[] => [
  ...['em', ...scans.map(study.path), '--prior', study.path('prior.nii.gz'), '--iterations', '4'],
  ...['-o', study.path(output), ...more],
]

describe('sae em --resample', () => {
  it('segments scans of any grid, each on its own', { timeout: 240_000 }, async () => {
    const labels = ['--labels', study.path('oblique-labels.nii.gz'), study.labels[0]]
    const more = ['--resample', '--posterior', '--labels-out', 'classes', ...labels]
    const { errors, stdout } = await succeed(em(['oblique.nii.gz', 'half.nii.gz'], 'em', ...more))
    expect(errors.join('\n')).toMatch(
      /oblique\.nii\.gz \(17x22x20 voxels of 1\.7 x 1\.4 x 1\.2 mm, \w{3}\), .*half\.nii\.gz .*: resampled onto the grid of .*prior\.nii\.gz \(15x16x13 /,
    )
    // 0.86 on the grid of the prior; these scans were interpolated twice, and the structures are a few voxels thick.
    const scores = [...stdout.matchAll(/^mean of \d+ regions +(\d\.\d+)/gm)].map(([, score]) => Number(score))
    expect(scores.length).toBeGreaterThanOrEqual(2)
    for (const score of scores) expect(score).toBeGreaterThan(0.7)
    for (const name of ['oblique', 'half']) {
      for (const ending of ['dseg', 'probseg', 'biasfield'])
        await expectPlaceOf(`em/${name}_${ending}.nii.gz`, `${name}.nii.gz`)
      const { data: classes } = await readLabelVolume(study.path(`em/${name}_dseg.nii.gz`))
      const { data: probabilities, channels } = await readVolume(study.path(`em/${name}_probseg.nii.gz`))
      classes.forEach((label, i) => {
        const each = Array.from({ length: channels }, (_, c) => probabilities[c * classes.length + i]!)
        expect(Math.abs(each.reduce((sum, p) => sum + p, 0) - 1)).toBeLessThan(1e-5)
        expect(label).toBe(each.indexOf(Math.max(...each)))
      })
      expect(new Set(classes).size).toBeGreaterThan(5)
    }
    const half = await readVolume(study.path('em/half_dseg.nii.gz'))
    expect(half.grid.header).toMatchObject({ qformCode: 1, sformCode: 4 })
  })

  it('brings a run on every second voxel back to the grid of the scan', { timeout: 120_000 }, async () => {
    await succeed([
      ...['em', study.scans[0], '--prior', study.path('prior.nii.gz'), '--iterations', '2'],
      ...['-o', study.path('every'), '--resample', '--every', '2', '--labels-out', 'classes'],
    ])
    await expectPlaceOf('every/a_dseg.nii.gz', 'a.nii.gz')
    await expectPlaceOf('every/a_biasfield.nii.gz', 'a.nii.gz')
  })

  it('refuses fields of view that do not overlap, and --match-by-index', { timeout: 120_000 }, async () => {
    expect(await refused(em(['half.nii.gz', 'far.nii.gz'], 'out', '--resample'))).toMatch(
      /^sae: the prior and the scan do not overlap: by the headers, \S+far\.nii\.gz and \S+prior\.nii\.gz share no place$/,
    )
    expect(await refused(em(['half.nii.gz'], 'out', '--resample', '--match-by-index'))).toMatch(
      /'--resample' cannot be used with option '--match-by-index'/,
    )
    expect(await refused(em(['oblique.nii.gz'], 'out'))).toMatch(
      /resample one onto the grid of the other \(--resample, or sae resample\)$/,
    )
  })
})

describe('sae evaluate --resample', () => {
  it('compares on the grid of the reference', { timeout: 120_000 }, async () => {
    const { labels, classes, path } = study
    const args = ['evaluate', path('oblique-labels.nii.gz'), labels[0], '--classes', classes]
    const { stdout } = await succeed([...args, '--resample', '--prior', path('prior.nii.gz')])
    const [dice, prior] = /mean of 7 regions +(\S+) +(\S+)/.exec(stdout)!.slice(1).map(Number)
    // There and back: these structures are a few voxels thick.
    expect(dice).toBeGreaterThan(0.85)
    expect(prior).toBeGreaterThan(0.8)
    expect(await refused(args)).toContain('(--resample, or sae resample)')
  })
})

describe('weights', () => {
  it('are trained on the voxels of the prior, and segment any others', { timeout: 240_000 }, async () => {
    const { path } = study
    const prior = ['--prior', path('prior.nii.gz')]
    await succeed([
      ...['pretrain', path('oblique.nii.gz'), study.scans[1], ...prior, '--resample', '--steps', '2'],
      ...['--recipe', 'paper', '-o', path('run')],
    ])
    const weights = path('run/pretrained.safetensors')
    const { metadata } = readSafetensors(readFileSync(weights))
    expect(JSON.parse(metadata.grid!)).toEqual({ voxelSize: [1, 1.5, 2], every: 1 })
    const args = ['segment', path('oblique.nii.gz'), '--weights', weights, ...prior, '-o', path('segmented')]
    await succeed([...args, '--resample'])
    await expectPlaceOf('segmented/oblique_dseg.nii.gz', 'oblique.nii.gz')
    expect(await refused([...args, '--resample', '--keep-existing', '--every', '2'])).toMatch(/--every/)
  })
})

describe('sae resample', () => {
  it('takes the grid and the header of a file, label by label', { timeout: 120_000 }, async () => {
    const { labels, path } = study
    const output = path('labels-there.nii.gz')
    await succeed(['resample', labels[0], '--labels', '--like', path('half.nii.gz'), '-o', output])
    const [result, own] = [await readLabelVolume(output), await readLabelVolume(path('half-labels.nii.gz'))]
    expect(result.data).toEqual(own.data)
    await expectPlaceOf('labels-there.nii.gz', 'half.nii.gz')
    expect(await refused(['resample', labels[0], '--like', output, '-o', path('x.nii.gz')])).toMatch(
      /a-labels\.nii\.gz: holds whole numbers, which may be labels or intensities; give --labels or --image$/,
    )
  })

  it('takes a file named _dseg for a label map in any format', async () => {
    const { path, write, labels } = study
    const { data } = await readVolume(labels[0])
    const named = await write('named_dseg.mgz', data, 'uint8')
    const { stdout } = await succeed(['resample', named, '--spacing', '3', '-o', path('named.nii.gz')])
    expect(stdout).toMatch(/^Label map on /)
  })

  it('makes voxels of another size, of priors with their table', { timeout: 120_000 }, async () => {
    const { path } = study
    await succeed(['resample', path('prior.nii.gz'), '--spacing', '2', '-o', path('coarse.nii.gz')])
    const { data, grid: coarse, channels } = await readVolume(path('coarse.nii.gz'))
    expect(coarse.shape).toEqual([8, 12, 13])
    for (let i = 0; i < 8 * 12 * 13; i++) {
      const sum = Array.from({ length: channels }, (_, c) => data[c * 1248 + i]!).reduce((a, b) => a + b)
      expect(Math.abs(sum - 1)).toBeLessThan(1e-5)
    }
    expect(readFileSync(path('coarse.json'), 'utf8')).toBe(readFileSync(path('prior.json'), 'utf8'))
  })

  it('refuses what it cannot place', { timeout: 120_000 }, async () => {
    const { path, scans, unpaired } = study
    const to = ['-o', path('out.nii.gz')]
    expect(await refused(['resample', path('far.nii.gz'), '--like', scans[0], '--image', ...to])).toMatch(
      /far\.nii\.gz and \S+a\.nii\.gz do not overlap: by the headers, they share no place$/,
    )
    expect(await refused(['resample', unpaired, '--labels', '--like', scans[0], ...to])).toMatch(
      /unpaired\.npz: does not say where its voxels lie/,
    )
    expect(await refused(['resample', scans[0], '--spacing', '1,2', ...to])).toMatch(/three as 1,1,3/)
    expect(await refused(['resample', scans[0], ...to])).toMatch(/give --like, .* or --spacing$/)
  })

  it("leaves a registration's own record where it is", async () => {
    const { path, scans, labels } = study
    await succeed(['register', scans[0], '--to', scans[0], '-o', path('moved.nii.gz')])
    await succeed(['resample', path('moved.nii.gz'), '--image', '--spacing', '3', '-o', path('small.nii.gz')])
    expect([existsSync(path('small.nii.gz')), existsSync(path('small.json'))]).toEqual([true, false])
    // The same for what a registration carries along.
    writeFileSync(path('a-labels.json'), '{}')
    const apply = ['--apply', path('moved.nii.gz'), labels[0], '-o', path('again.nii.gz')]
    await succeed(['register', scans[0], '--to', scans[0], ...apply])
    const tables = ['again_moved.json', 'again_a-labels.json'].map((name) => existsSync(path(name)))
    expect(tables).toEqual([false, true])
    rmSync(path('a-labels.json'))
  })

  it('refuses labels that are none before it writes anything', { timeout: 120_000 }, async () => {
    const { path, scans, labels } = study
    writeFileSync(path('a.json'), '{}')
    const to = ['--spacing', '3', '-o', path('labels/out.nii.gz')]
    expect(await refused(['resample', scans[0], '--labels', ...to])).toMatch(
      /^sae: \S+a\.nii\.gz: voxel \d+ has the value \d\.\d+, but labels are non-negative integers .*; give --image /,
    )
    for (const value of [3.5, -3]) {
      const { data } = await readVolume(labels[0])
      data[1234] = value
      const named = await study.write('one_dseg.nii.gz', data, 'float32')
      for (const kind of [['--labels'], []])
        expect(await refused(['resample', named, ...kind, ...to])).toContain(
          `one_dseg.nii.gz: voxel 1234 has the value ${value}, but labels are non-negative integers`,
        )
    }
    expect(existsSync(path('labels'))).toBe(false)
    await succeed(['resample', scans[0], '--image', ...to])
    expect(readFileSync(path('labels/out.json'), 'utf8')).toBe('{}')
  })
})

describe('sae resample --transform', () => {
  /** 10 mm to the right, and a turn about the axis from foot to head by a tenth. */
  const toFixed = [
    [Math.cos(0.1), -Math.sin(0.1), 0, 10],
    [Math.sin(0.1), Math.cos(0.1), 0, 0],
    [0, 0, 1, -3],
    [0, 0, 0, 1],
  ]

  it('moves labels to the target and back', async () => {
    const { path, labels } = study
    const file = path('xfm.json')
    writeFileSync(file, JSON.stringify({ transform: 'affine', movingToFixed: toFixed }))
    const own = await readLabelVolume(labels[0])
    // The same voxels in the place of the target: nothing has to be interpolated.
    const affine = own.grid.affine.map((_, r) =>
      [0, 1, 2, 3].map((c) => toFixed[r]!.reduce((sum, m, k) => sum + m * own.grid.affine[k]![c]!, 0)),
    )
    const target = { shape: own.grid.shape, affine, known: true }
    await study.write('target.nii.gz', new Float32Array(own.data.length).fill(0.5), 'float32', target)
    const args = ['resample', '--labels', '--transform', file]
    await succeed([...args, labels[0], '--like', path('target.nii.gz'), '-o', path('there.nii.gz')])
    const there = await readLabelVolume(path('there.nii.gz'))
    expect(there.data).toEqual(own.data)
    for (const [r, row] of affine.entries())
      for (const [c, value] of row.entries()) expect(there.grid.affine[r]![c]).toBeCloseTo(value, 4)
    await succeed([
      ...args,
      path('there.nii.gz'),
      '--inverse',
      '--like',
      labels[0],
      '-o',
      path('back.nii.gz'),
    ])
    expect((await readLabelVolume(path('back.nii.gz'))).data).toEqual(own.data)
    await expectPlaceOf('back.nii.gz', 'a.nii.gz')
  })

  it('refuses what is no affine registration', async () => {
    const { path, labels } = study
    const args = ['resample', '--labels', labels[0], '--like', labels[0], '-o', path('no.nii.gz')]
    for (const [content, message] of [
      ['{"movingToFixed": [[1,0,0,0],[0,1,0,0],[0,0,0,0],[0,0,0,1]]}', /holds no movingToFixed/],
      ['[]', /holds no movingToFixed/],
      [
        JSON.stringify({ transform: 'smooth', movingToFixed: toFixed }),
        /smooth transform.*sae register --apply/,
      ],
    ] as const) {
      writeFileSync(path('wrong.json'), content)
      expect(await refused([...args, '--transform', path('wrong.json')])).toMatch(message)
    }
    expect(await refused([...args, '--inverse'])).toMatch(/give one with --transform$/)
    expect(existsSync(path('no.nii.gz'))).toBe(false)
  })
})
