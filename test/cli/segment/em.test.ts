import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCsv } from '../../../src/cli/tables/csv.js'
import { readText, readVolume } from '../../../src/io/files.js'
import { diceScores, meanDice } from '../../../src/sae/metrics/dice.js'
import { toClasses } from '../../../src/sae/labels/label-codes.js'
import { foregroundClasses } from '../../../src/sae/labels/label-table.js'
import { phantomTable } from '../../../src/sae/phantom/phantom.js'
import { makeStudy, sae, shape, succeed, visibleFiles, type Study } from '../support.js'

let study: Study
const K = phantomTable.classes.length

beforeAll(async () => {
  study = await makeStudy()
  const { unpaired, classes, path } = study
  await succeed([...['prior', unpaired, '--classes', classes], ...['-o', path('prior.nii.gz')]])
})
afterAll(() => {
  study.remove()
})

function em(output: string, ...more: string[]): string[] {
  return ['em', ...study.scans, '--prior', study.path('prior.nii.gz'), '-o', study.path(output), ...more]
}

const classesOf = async (file: string, every = 1): Promise<Uint8Array> => {
  const { data, grid } = await readVolume(file)
  const [D, H, W] = grid.shape
  const kept = data.filter((_, i) =>
    [Math.floor(i / (H * W)), Math.floor(i / W) % H, i % W].every((at) => at % every === 0),
  )
  expect(kept).toHaveLength([D, H, W].reduce((size, n) => size * Math.ceil(n / every), 1))
  return toClasses(kept, phantomTable)
}

describe('sae em', () => {
  it('writes segmentations, posteriors and fields on the grid of the scans, and prints what it found', async () => {
    const { labels, path } = study
    const args = em('out', '--posterior', '--bias', '1', '--beta', '0.01', '--labels', ...labels)
    const { stdout, errors } = await succeed(args)
    expect(visibleFiles(path('out'))).toEqual([
      ...['a', 'b'].flatMap((name) =>
        ['biasfield.nii.gz', 'dseg.nii.gz', 'dseg.tsv', 'probseg.nii.gz'].map((end) => `${name}_${end}`),
      ),
      ...['qc.csv', 'run.json', 'volumes.csv'],
    ])
    const table = async (name: string) => parseCsv(await readText(path(`out/${name}`)), name).rows
    const [volumes] = await table('volumes.csv')
    const cortex = phantomTable.classes.findIndex(({ name }) => name === 'cerebral cortex')
    const mm3 = (await classesOf(path('out/a_dseg.nii.gz'))).filter((c) => c === cortex).length * 3
    expect(volumes!.get('scan')).toBe('a')
    expect(Number(volumes!.get('cerebral_cortex_mm3'))).toBe(mm3)
    const sides = ['left', 'right'].map((side) => Number(volumes!.get(`${side}_cerebral_cortex_mm3`)))
    expect(sides[0]! + sides[1]!).toBe(mm3)
    expect(Number(volumes!.get('cerebral_cortex_posterior_mm3')) / mm3).toBeCloseTo(1, 0)
    const quality = await table('qc.csv')
    expect(quality.map((row) => [row.get('scan'), row.get('command')])).toEqual([
      ['a', 'em'],
      ['b', 'em'],
    ])
    for (const column of ['dice_with_prior', 'dice_with_labels', 'entropy', 'called_background'])
      expect(Number(quality[0]!.get(column))).toBeGreaterThan(0)
    expect(quality[0]!.get('verdict')).toMatch(/^(sound|doubtful|collapsed)$/)
    expect(errors.join('\n')).toMatch(/b\.nii: intensities from -3 to [\d.]+ scaled to 0\.\.1/)
    expect(stdout).toMatch(/^\d+ iterations, log-likelihood -?\d+\.\d{4} per voxel$/m)
    expect(stdout).toMatch(/^means: background -?0\.\d{3} \(\d+ %\) \+ .*, cerebral white matter 0\.\d+ \(/m)

    const { data: posterior, channels, grid } = await readVolume(path('out/a_probseg.nii.gz'))
    expect([channels, grid.shape]).toEqual([K, [...shape]])
    const found = await classesOf(path('out/a_dseg.nii.gz'))
    found.forEach((c, i) => {
      const q = Array.from({ length: K }, (_, other) => posterior[other * found.length + i]!)
      expect(q[c]).toBe(Math.max(...q))
    })
    const { data: field } = await readVolume(path('out/a_biasfield.nii.gz'))
    expect(field.every((value) => value > 0.5 && value < 2)).toBe(true)

    const prior = (await readVolume(path('prior.nii.gz'))).data
    const ofPrior = found.map((_, i) => {
      const p = Array.from({ length: K }, (_, c) => prior[c * found.length + i]!)
      return p.indexOf(Math.max(...p))
    })
    const truth = await classesOf(labels[0])
    const mean = (classes: Uint8Array) =>
      meanDice(diceScores(classes, truth, K), foregroundClasses(phantomTable)).toFixed(4)
    expect(stdout).toMatch(/^region +EM +prior$/m)
    expect(stdout).toMatch(new RegExp(`^mean of 7 regions +${mean(found)} +${mean(ofPrior)}$`, 'm'))
    expect(stdout.match(/^mean of 7 regions +\S+ +\S+$/gm)).toHaveLength(2)
  })

  it('works on every n-th voxel, and writes on that grid', async () => {
    const { labels, path } = study
    const { stdout } = await succeed(em('half', '--every', '2', '--iterations', '3', '--labels', ...labels))
    expect(stdout).toMatch(/^3 iterations, /m)
    const { grid } = await readVolume(path('half/a_dseg.nii.gz'))
    expect(grid.shape).toEqual([8, 8, 7])
    const truth = await classesOf(labels[0], 2)
    const dice = diceScores(await classesOf(path('half/a_dseg.nii.gz')), truth, K)
    expect(stdout).toContain(meanDice(dice, foregroundClasses(phantomTable)).toFixed(4))
  })

  it('skips existing segmentations, and prints only results with --quiet', async () => {
    await succeed(em('kept', '--iterations', '1'))
    const again = await succeed(em('kept', '--iterations', '1', '--keep-existing'))
    expect(again.stdout).toBe('2 of 2 scans are segmented already.\n')
    const quiet = await succeed(
      em('kept', '--iterations', '1', '--overwrite', '--quiet', '--labels', ...study.labels),
    )
    expect(quiet.stdout.split('\n')[0]).toMatch(/^region +EM +prior$/)
    const expected = /^warning: (the segmentation of .* is doubtful|.* nothing of their orientation; )/
    expect(quiet.errors.filter((line) => !expected.test(line))).toEqual([])
  })

  it.each<[string[], RegExp]>([
    [
      ['--components', '4'],
      /'--components <n>' argument '4' is invalid\. It must be a whole number from 1 to 3/,
    ],
    [['--bias', '5'], /It must be a whole number from 0 to 4/],
    [['--k', '4'], /It must be an odd number from 3 to 21/],
    [['--beta', '-1'], /It must be a number of at least 0/],
    [['--potential', 'other'], /Allowed choices are pointwise, conditional/],
    [['--prior', 'absent.nii.gz'], /absent\.nii\.gz/],
    [['--labels', 'one.nii.gz'], /1 label maps for 2 scans/],
    [['--memory-limit', '10kB'], /of device memory is needed, but the limit is/],
  ])('refuses %j in one line, and writes nothing', async (more, message) => {
    const { code, errors } = await sae(em('refused', ...more, '--quiet'))
    expect(code).toBe(2)
    const [error, ...others] = errors.filter((line) => !line.includes('nothing of its orientation'))
    expect(others).toEqual([])
    expect(error).toMatch(message)
    expect(existsSync(study.path('refused'))).toBe(false)
  })

  it('warns of options that do nothing without --beta', async () => {
    const { errors } = await succeed(em('idle', '--beta', '0', '--k', '5', '--iterations', '1'))
    expect(errors.join('\n')).toMatch(/^warning: --k and --potential have no effect without --beta$/m)
  })

  it('is evaluated beside a prior of the full size where it was thinned', async () => {
    const { path, scans, labels, classes } = study
    const thin = ['--every', '2']
    await succeed(['em', scans[0], '--prior', path('prior.nii.gz'), ...thin, '-o', path('thin')])
    const maps = [path('thin/a_dseg.nii.gz'), labels[0], '--classes', classes]
    const { stdout } = await succeed(['evaluate', ...maps, '--prior', path('prior.nii.gz'), ...thin])
    expect(stdout).toMatch(/^mean of \d regions +0\.\d+ +0\.\d+ +\d+\.\d\d /m)
  })
})
