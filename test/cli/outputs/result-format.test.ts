/** Results in other formats than compressed NIfTI: `--format`. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readLabelVolume, readVolumeHeader } from '../../../src/io/files.js'
import { requireLabelsFit } from '../../../src/cli/outputs/result-format.js'
import { phantomTable } from '../../../src/sae/phantom/phantom.js'
import { makePrior, makeStudy, sae, succeed, visibleFiles, type Study } from '../support.js'

/** Debian's own, which has nibabel. */
const python = ['/usr/bin/python3', 'python3'].find(
  (name) => spawnSync(name, ['-c', 'import nibabel']).status === 0,
)
if (python === undefined) console.warn('SKIPPED: no python3 with nibabel to read .mgz with')

let study: Study
beforeAll(async () => {
  study = await makeStudy()
  await makePrior(study)
})
afterAll(() => {
  study.remove()
})

const em = (output: string, ...more: string[]): string[] => [
  ...['em', study.scans[0], '--prior', study.path('prior.nii.gz'), '-o', study.path(output)],
  ...['--iterations', '2', ...more],
]

describe('sae em --format', () => {
  it('writes what it writes otherwise, on the same grid', async () => {
    await succeed(em('niigz', '--posterior', '--format', 'nii.gz'))
    for (const format of ['nii', 'mgz']) {
      const { stdout } = await succeed(em(format, '--posterior', '--report', '--format', format))
      expect(stdout).toContain(`a_dseg.${format} (`)
      expect(visibleFiles(study.path(format)).filter((name) => name.startsWith('a_'))).toEqual([
        ...[
          `a_biasfield.${format}`,
          `a_dseg.${format}`,
          'a_dseg.tsv',
          `a_probseg.${format}`,
          'a_report.html',
        ],
      ])
      for (const kind of ['dseg', 'probseg', 'biasfield']) {
        const wanted = await readLabelVolume(study.path(`niigz/a_${kind}.nii.gz`))
        const { data, grid, channels, stored } = await readLabelVolume(
          study.path(`${format}/a_${kind}.${format}`),
        )
        expect(data).toEqual(wanted.data)
        expect([channels, stored]).toEqual([wanted.channels, kind === 'dseg' ? 'u1' : 'f4'])
        expect([grid.shape, grid.known]).toEqual([wanted.grid.shape, true])
        expect(grid.affine).toEqual(wanted.grid.affine)
      }
    }
    const dice = ['evaluate', study.path('mgz/a_dseg.mgz'), study.labels[0], '--json', '--quiet']
    const same = ['evaluate', study.path('niigz/a_dseg.nii.gz'), study.labels[0], '--json', '--quiet']
    const meansOf = async (args: string[]): Promise<unknown> =>
      (JSON.parse((await succeed(args)).stdout) as { means: unknown }).means
    expect(await meansOf(dice)).toEqual(await meansOf(same))
  })

  it.skipIf(python === undefined)('is read by nibabel, with labels as integers', () => {
    const script = `
import json, sys
import nibabel as nib
import numpy as np
a, b = (nib.load(path) for path in sys.argv[1:3])
x, y = (np.asanyarray(image.dataobj) for image in (a, b))
print(json.dumps([type(a).__name__, x.dtype.name, str(x.shape) == str(y.shape), bool((x == y).all()),
                  float(np.abs(a.affine - b.affine).max()), sorted(map(int, np.unique(x)))]))`
    const files = ['mgz/a_dseg.mgz', 'niigz/a_dseg.nii.gz'].map(study.path)
    const [kind, type, sameShape, sameLabels, difference, labels] = JSON.parse(
      String(execFileSync(python!, ['-c', script, ...files])),
    ) as [string, string, boolean, boolean, number, number[]]
    expect([kind, type, sameShape, sameLabels]).toEqual(['MGHImage', 'uint8', true, true])
    expect(difference).toBeLessThan(1e-4)
    expect(labels.length).toBeGreaterThan(3)
  })

  it('leaves out what is done in that format, and does not mix two', async () => {
    const kept = await succeed(em('mgz', '--posterior', '--format', 'mgz', '--keep-existing'))
    expect(kept.stdout).toBe('1 of 1 scans are segmented already.\n')
    const { code, errors } = await sae(em('mgz', '--overwrite'))
    expect([code, errors.length]).toEqual([2, 1])
    expect(errors[0]).toMatch(
      /a_dseg\.mgz: is there already, in another format than --format nii\.gz, and both/,
    )
    const before = readFileSync(study.path('mgz/a_dseg.mgz'))
    await succeed(em('mgz', '--overwrite', '--posterior', '--format', 'mgz'))
    expect(readFileSync(study.path('mgz/a_dseg.mgz'))).toEqual(before)
    await succeed(['report', study.path('mgz')])
    expect(readFileSync(study.path('mgz/index.html'), 'utf8')).toContain('a_report.html')
  })

  it('refuses what a format cannot hold', async () => {
    const wrong = await sae(em('bad', '--format', 'mgh'))
    expect([wrong.code, wrong.errors.length]).toEqual([2, 1])
    expect(wrong.errors[0]).toMatch(/--format.* Allowed choices are nii\.gz, nii, mgz/)

    mkdirSync(study.path('ds/sub-01/anat'), { recursive: true })
    writeFileSync(study.path('ds/dataset_description.json'), '{"Name": "ds", "BIDSVersion": "1.9.0"}')
    writeFileSync(study.path('ds/sub-01/anat/sub-01_T1w.nii.gz'), readFileSync(study.scans[0]))
    const [command, , ...rest] = em('bad', '--format', 'mgz')
    const ofDataset = [command!, study.path('ds'), ...rest]
    const { code, errors } = await sae(ofDataset)
    expect([code, errors.length]).toEqual([2, 1])
    expect(errors[0]).toMatch(
      /--format mgz: a BIDS derivative holds NIfTI files alone; give --layout plain too/,
    )
    expect(existsSync(study.path('bad'))).toBe(false)
    await succeed([...ofDataset, '--layout', 'plain'])
    expect(existsSync(study.path('bad/sub-01_T1w_dseg.mgz'))).toBe(true)

    const [first, ...others] = phantomTable.classes
    const table = {
      ...phantomTable,
      classes: [first!, { ...others[0]!, codes: [2 ** 31] }, ...others.slice(1)],
    }
    expect(() => {
      requireLabelsFit(table, 'mgz')
    }).toThrow(/codes beyond 31 bits \(2147483648\)/)
    requireLabelsFit(table, 'nii')
  })
})

describe('sae segment --format', () => {
  it('writes all its maps in it', async () => {
    const prior = ['--prior', study.path('prior.nii.gz')]
    await succeed(['pretrain', study.scans[0], ...prior, '--steps', '1', '-o', study.path('run')])
    const weights = study.path('run/pretrained.safetensors')
    const maps = ['--posterior', '--entropy', '--format', 'mgz', '-o', study.path('seg')]
    await succeed(['segment', study.scans[0], ...prior, '--weights', weights, ...maps])
    expect(visibleFiles(study.path('seg')).filter((name) => name.startsWith('a_'))).toEqual([
      ...['a_dseg.mgz', 'a_dseg.tsv', 'a_entropy.mgz', 'a_probseg.mgz'],
    ])
    const { grid } = await readVolumeHeader(study.path('seg/a_entropy.mgz'))
    expect(grid.affine).toEqual((await readVolumeHeader(study.scans[0])).grid.affine)
  })
})

describe('sae adapt --format', () => {
  it('writes both segmentations in it, with the same scores', async () => {
    const prior = ['--prior', study.path('prior.nii.gz')]
    await succeed(['pretrain', study.scans[0], ...prior, '--steps', '1', '-o', study.path('adapt-run')])
    const weights = study.path('adapt-run/pretrained.safetensors')
    const adapt = (format: string): string[] => [
      ...['adapt', study.scans[0], ...prior, '--weights', weights, '--labels', study.labels[0]],
      ...['--format', format, '-o', study.path(`adapt-${format}`)],
    ]
    for (const format of ['mgz', 'nii.gz']) await succeed(adapt(format))
    const volumes = (folder: string): string[] =>
      visibleFiles(study.path(folder)).filter((name) => /_(dseg|probseg|biasfield)\.(mgz|nii)/.test(name))
    expect(volumes('adapt-mgz')).toEqual(['a_biasfield.mgz', 'a_dseg.mgz'])
    expect(volumes('adapt-mgz/before')).toEqual(['a_dseg.mgz', 'a_probseg.mgz'])
    const table = (folder: string): string => readFileSync(study.path(`${folder}/adaptation.csv`), 'utf8')
    expect(table('adapt-mgz')).toBe(table('adapt-nii.gz'))
  })
})

describe('sae prepare --format', () => {
  const prepare = (scan: string, output: string, ...more: string[]): string[] => [
    ...['prepare', scan, '--skip', 'conform', '--skip', 'strip', '-o', study.path(output), ...more],
  ]

  it('writes the same in it, and knows it again', async () => {
    await succeed(prepare(study.scans[0], 'plain'))
    await succeed(prepare(study.scans[0], 'surfer', '--format', 'mgz'))
    const names = ['a_biasfield', 'a_desc-biascorr_T1w', 'a_desc-preproc_T1w']
    expect(visibleFiles(study.path('surfer'))).toEqual([...names.map((name) => `${name}.mgz`), 'run.json'])
    for (const name of names) {
      const wanted = await readLabelVolume(study.path(`plain/${name}.nii.gz`))
      const { data, grid, stored } = await readLabelVolume(study.path(`surfer/${name}.mgz`))
      expect([data, grid.affine, stored]).toEqual([wanted.data, wanted.grid.affine, 'f4'])
    }
    const kept = await succeed(prepare(study.scans[0], 'surfer', '--format', 'mgz', '--keep-existing'))
    expect(kept.stdout).toBe('1 of 1 scans are prepared already.\n')
  })

  it('gives a BIDS derivative sidecars beside .nii, and no .mgz', async () => {
    mkdirSync(study.path('raw/sub-01/anat'), { recursive: true })
    writeFileSync(study.path('raw/dataset_description.json'), '{"Name": "raw", "BIDSVersion": "1.9.0"}')
    writeFileSync(study.path('raw/sub-01/anat/sub-01_T1w.nii.gz'), readFileSync(study.scans[0]))
    const refused = await sae(prepare(study.path('raw'), 'derived', '--format', 'mgz'))
    expect([refused.code, refused.errors.length]).toEqual([2, 1])
    expect(refused.errors[0]).toMatch(/--format mgz: a BIDS derivative holds NIfTI files alone/)
    expect(existsSync(study.path('derived'))).toBe(false)
    await succeed(prepare(study.path('raw'), 'derived', '--format', 'nii', '--skip', 'bias'))
    expect(visibleFiles(study.path('derived/sub-01/anat'))).toEqual([
      ...['sub-01_desc-preproc_T1w.json', 'sub-01_desc-preproc_T1w.nii'],
    ])
  })
})
