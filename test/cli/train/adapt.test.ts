/** Weights adapted to new scans. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCsv } from '../../../src/cli/tables/csv.js'
import { readVolume } from '../../../src/io/files.js'
import { unknownGrid } from '../../../src/io/volume.js'
import { overlapOf } from '../../../src/sae/assessment/overlap.js'
import { toClasses } from '../../../src/sae/labels/label-codes.js'
import { phantomTable } from '../../../src/sae/phantom/phantom.js'
import { grid, makePrior, makeStudy, sae, succeed, visibleFiles, type Study } from '../support.js'

let study: Study
const K = phantomTable.classes.length

beforeAll(async () => {
  study = await makeStudy()
  await makePrior(study)
  const prior = ['--prior', study.path('prior.nii.gz')]
  await succeed(['pretrain', study.scans[0], ...prior, '--steps', '2', '-o', study.path('run')])
})
afterAll(() => {
  study.remove()
})

const adapt = (output: string, ...more: string[]): string[] => [
  ...['adapt', ...study.scans, '--weights', study.path('run/pretrained.safetensors')],
  ...['--prior', study.path('prior.nii.gz'), '-o', study.path(output), ...more],
]

const classesOf = async (file: string): Promise<Uint8Array> =>
  toClasses((await readVolume(study.path(file))).data, phantomTable)

const diceOf = (a: Uint8Array, b: Uint8Array): string => overlapOf(a, b, phantomTable).mean!.toFixed(4)

describe('sae adapt', () => {
  it('fits a mixture under the posterior of the weights, and shows what changed', async () => {
    const { stdout } = await succeed(adapt('out', '--labels', ...study.labels))
    expect(visibleFiles(study.path('out'))).toEqual(
      expect.arrayContaining(['a_dseg.nii.gz', 'adaptation.csv', 'b_dseg.nii.gz', 'before', 'run.json']),
    )
    for (const [i, name] of ['a', 'b'].entries()) {
      const [before, after] = [
        await classesOf(`out/before/${name}_dseg.nii.gz`),
        await classesOf(`out/${name}_dseg.nii.gz`),
      ]
      const truth = await classesOf(i === 0 ? 'a-labels.nii.gz' : 'b-labels.npz')
      expect(after).not.toEqual(before)
      const means = [diceOf(before, after), diceOf(before, truth), diceOf(after, truth)]
      expect(stdout).toMatch(new RegExp(`^mean +${means.join(' +')}$`, 'm'))
      const [first, last] = (
        new RegExp(
          `^.*${name}\\.nii.*: verdict \\w+ -> \\w+; log-likelihood per voxel (\\S+) -> (\\S+)$`,
          'm',
        ).exec(stdout) ?? []
      )
        .slice(1)
        .map(Number)
      expect(last).toBeGreaterThan(first!)
    }
    const csv = readFileSync(study.path('out/adaptation.csv'), 'utf8').trimEnd().split('\n')
    expect(csv[0]).toBe(
      'scan,file,region,volume_before_mm3,volume_after_mm3,dice_before_after,dice_before,dice_after',
    )
    expect(csv).toHaveLength(1 + 2 * 7)
    // Voxels of 1 x 1.5 x 2 mm.
    const cortex = phantomTable.classes.findIndex(({ name }) => name === 'cerebral cortex')
    const voxels = (await classesOf('out/a_dseg.nii.gz')).filter((c) => c === cortex).length
    const row = csv.find((line) => line.startsWith(`a,${study.scans[0]},cerebral cortex,`))!.split(',')
    expect(Number(row[4])).toBeCloseTo(voxels * 3, 6)
    // Names are those of volumes.csv, so that the two can be joined.
    const namesIn = (table: string) => {
      const { rows } = parseCsv(readFileSync(study.path(`out/${table}`), 'utf8'), table)
      return [...new Set(rows.map((row) => row.get('scan')))]
    }
    expect(namesIn('adaptation.csv')).toEqual(namesIn('volumes.csv'))
    // The prior of each scan is the posterior that the weights gave it.
    const prior = await readVolume(study.path('out/before/a_prior.nii.gz'))
    const posterior = await readVolume(study.path('out/before/a_probseg.nii.gz'))
    expect(prior.channels).toBe(K)
    expect(prior.data).not.toEqual(posterior.data)
    const mass = (data: Float32Array) => data.subarray(0, data.length / K).reduce((sum, p) => sum + p, 0)
    expect(mass(prior.data) / mass(posterior.data)).toBeCloseTo(1, 1)
  })

  it('counts voxels if a scan does not say where they lie', async () => {
    const { data } = await readVolume(study.scans[0])
    const bare = await study.write('bare.npz', data, 'float32', unknownGrid(grid.shape))
    const [command, , , ...options] = adapt('bare', '--match-by-index')
    const { stdout } = await succeed([command!, bare, study.scans[1], ...options])
    const cortex = phantomTable.classes.findIndex(({ name }) => name === 'cerebral cortex')
    const [before, after] = await Promise.all(
      ['bare/before', 'bare'].map(async (folder) =>
        (await classesOf(`${folder}/bare_dseg.nii.gz`)).filter((c) => c === cortex),
      ),
    )
    const voxels = [before!.length, after!.length]
    expect(stdout).toMatch(/^region +voxels before +voxels after +Dice of both$/m)
    expect(stdout).toMatch(new RegExp(`^cerebral cortex +${voxels.join(' +')} +\\d`, 'm'))
    // The other scan has millimetres.
    expect(stdout).toMatch(/^region +ml before +ml after +Dice of both$/m)
    const { rows } = parseCsv(readFileSync(study.path('bare/adaptation.csv'), 'utf8'), 'adaptation.csv')
    const cells = (i: number) => ['mm3', 'voxels'].map((unit) => rows[i]!.get(`volume_before_${unit}`))
    const at = rows.findIndex((row) => row.get('region') === 'cerebral cortex')
    expect(cells(at)).toEqual(['', String(voxels[0])])
    expect(cells(at + 7)).toEqual([expect.stringMatching(/\d/), ''])
  })

  it('goes on with what a killed run has done', async () => {
    const before = readFileSync(study.path('out/a_dseg.nii.gz'))
    rmSync(study.path('out/b_dseg.nii.gz'))
    const { stdout } = await succeed(adapt('out', '--keep-existing'))
    expect(readFileSync(study.path('out/a_dseg.nii.gz'))).toEqual(before)
    expect(existsSync(study.path('out/b_dseg.nii.gz'))).toBe(true)
    expect(stdout).toMatch(/a\.nii\.gz: verdict made before -> made before$/m)
    expect(stdout).toMatch(/b\.nii: verdict made before -> \w+; log-likelihood/)
  })

  it('trains the weights further if asked to', async () => {
    const { stdout } = await succeed(adapt('trained', '--method', 'train', '--steps', '2', '--every', '2'))
    expect(visibleFiles(study.path('trained'))).toEqual(
      expect.arrayContaining(['a_dseg.nii.gz', 'adaptation.csv', 'before', 'best.safetensors', 'train.csv']),
    )
    expect((await readVolume(study.path('trained/a_dseg.nii.gz'))).grid.shape).toEqual([8, 8, 7])
    expect(stdout.match(/^mean +\d\.\d{4}$/gm)).toHaveLength(2)
  })

  it.each([
    ['em', []],
    ['train', ['--method', 'train', '--steps', '2']],
  ])('leaves out scans that cannot be used if asked to: %s', async (method, more) => {
    const broken = study.path('broken.nii.gz')
    writeFileSync(broken, readFileSync(study.scans[0]).subarray(0, 300))
    const other = await study.write(
      'other.nii.gz',
      new Float32Array(64).map((_, i) => i),
      'float32',
      {
        ...grid,
        shape: [4, 4, 4],
      },
    )
    const [a, b] = study.scans
    const [ofA] = study.labels
    // The labels of the last are gone; each of the others but one cannot be used itself.
    const files = [broken, a, other, b, '--labels', ofA, ofA, ofA, study.path('gone.nii.gz')]
    const output = `kept-${method}`
    const [command, , , ...options] = adapt(output, '--every', '2', ...more)
    const args = [command!, ...files, ...options]
    const refused = await sae(args)
    expect([refused.code, refused.errors.length]).toEqual([2, 1])
    expect(existsSync(study.path(output))).toBe(false)

    const { code, errors } = await sae([...args, '--keep-going'])
    expect(code).toBe(3)
    const leftOut = errors.filter((line) => line.includes('left out: '))
    expect(leftOut).toHaveLength(3)
    expect(leftOut[0]).toContain('broken.nii.gz')
    expect(leftOut[1]).toMatch(/differ in shape: .*other\.nii\.gz/)
    expect(leftOut[2]).toContain('gone.nii.gz: cannot be read')
    expect(errors.at(-1)).toContain(`3 of 4 scans failed: ${[broken, other, b].join(', ')}`)
    const { rows } = parseCsv(readFileSync(study.path(`${output}/adaptation.csv`), 'utf8'), 'adaptation.csv')
    expect([...new Set(rows.map((row) => row.get('file')))]).toEqual([a])
    expect(rows.some((row) => Number(row.get('dice_after')) > 0)).toBe(true)
    const made = visibleFiles(study.path(output)).filter((name) => name.endsWith('_dseg.nii.gz'))
    expect(made).toEqual(['a_dseg.nii.gz'])
    const { runs } = JSON.parse(readFileSync(study.path(`${output}/before/run.json`), 'utf8')) as {
      runs: { figures: { failed: { scan: string; reason: string }[] } }[]
    }
    expect(runs[0]!.figures.failed.map(({ scan }) => scan)).toEqual([broken, other, b])
  })

  it('refuses to leave out all', async () => {
    const [command, , , ...options] = adapt('none', '--every', '2', '--keep-going')
    const { code, errors } = await sae([command!, study.path('no.nii'), study.path('nor.nii'), ...options])
    expect([code, errors.at(-1)]).toEqual([
      2,
      expect.stringMatching(/none of 2 scans can be used; the first: .*no\.nii/),
    ])
    expect(existsSync(study.path('none'))).toBe(false)
  })

  it('refuses bad input before it writes anything', async () => {
    const cases: [string[], RegExp][] = [
      [adapt('bad', '--labels', study.labels[0]), /^sae: 1 label maps for 2 scans/],
      [adapt('bad', '--labels', study.labels[0], study.path('no.nii')), /no\.nii: .*no such file/],
      [adapt('bad', '--method', 'magic'), /--method.* Allowed choices are em, train/],
      [adapt('out'), /adaptation\.csv: is there already; give --overwrite/],
    ]
    for (const [args, message] of cases) {
      const { code, errors } = await sae(args)
      expect(errors.join('\n')).toMatch(message)
      expect(code).toBe(2)
    }
    expect(existsSync(study.path('bad'))).toBe(false)
  })
})
