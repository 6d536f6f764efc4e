/** BIDS datasets in, BIDS derivatives out. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCsv } from '../../../src/cli/tables/csv.js'
import { makePrior, makeStudy, sae, succeed, visibleFiles, type Study } from '../support.js'

let study: Study

beforeAll(async () => {
  study = await makeStudy()
  await makePrior(study)
  const files = [
    'ds/sub-01/anat/sub-01_run-1_T1w.nii.gz',
    'ds/sub-02/ses-a/anat/sub-02_ses-a_T1w.nii.gz',
    'ds/sub-01/anat/sub-01_run-1_T2w.nii.gz',
  ]
  for (const file of files) {
    mkdirSync(dirname(study.path(file)), { recursive: true })
    copyFileSync(study.scans[0], study.path(file))
  }
  writeFileSync(
    study.path('ds/dataset_description.json'),
    '{"Name": "ds", "BIDSVersion": "1.9.0", "DatasetDOI": "doi:10.0000/made"}',
  )
})
afterAll(() => {
  study.remove()
})

const em = (scans: string, output: string, ...more: string[]): string[] => [
  ...['em', study.path(scans), '--prior', study.path('prior.nii.gz'), '-o', study.path(output)],
  ...['--every', '2', '--iterations', '1', '--bias', '0', ...more],
]

describe('a BIDS dataset', () => {
  it('is segmented into a derivative dataset', async () => {
    await succeed(em('ds', 'ds/derivatives/sae', '--posterior', '--report'))
    const root = study.path('ds/derivatives/sae')
    expect(visibleFiles(root)).toEqual([
      ...['README.md', 'dataset_description.json', 'index.html', 'qc.csv', 'run.json', 'sub-01', 'sub-02'],
      'volumes.csv',
    ])
    const endings = ['dseg.json', 'dseg.nii.gz', 'dseg.tsv', 'probseg.json', 'probseg.nii.gz', 'report.html']
    expect(visibleFiles(`${root}/sub-01/anat`)).toEqual(
      endings.map((end) => `sub-01_run-1_seg-sae_res-every2_${end}`),
    )
    expect(visibleFiles(`${root}/sub-02/ses-a/anat`)).toEqual(
      endings.map((end) => `sub-02_ses-a_seg-sae_res-every2_${end}`),
    )
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(JSON.parse(readFileSync(`${root}/dataset_description.json`, 'utf8'))).toEqual({
      Name: 'Segmentations by sae',
      BIDSVersion: '1.9.0',
      DatasetType: 'derivative',
      GeneratedBy: [{ Name: 'sae-webgpu', Version: version }],
      SourceDatasets: [{ DOI: 'doi:10.0000/made' }],
      DatasetLinks: { raw: '../..' },
    })
    expect(existsSync(`${root}/.bidsignore`)).toBe(true)
    const { rows } = parseCsv(readFileSync(`${root}/volumes.csv`, 'utf8'), 'volumes.csv')
    expect(rows.map((row) => row.get('scan'))).toEqual([
      'sub-01/anat/sub-01_run-1_seg-sae_res-every2',
      'sub-02/ses-a/anat/sub-02_ses-a_seg-sae_res-every2',
    ])
    const again = await succeed(em('ds', 'ds/derivatives/sae', '--posterior', '--keep-existing'))
    expect(again.stdout).toBe('2 of 2 scans are segmented already.\n')
    const other = await sae(em('ds', 'ds/derivatives/sae', '--keep-existing'))
    expect(other.errors.at(-1)).toMatch(
      /seg-sae_res-every2_dseg\.nii\.gz: is there, but was made with --posterior; give/,
    )
  })

  it('has plain outputs if asked to, of the participants asked for', async () => {
    await succeed(em('ds', 'plain', '--layout', 'plain', '--participant-label', '02'))
    expect(visibleFiles(study.path('plain')).filter((name) => name.endsWith('.nii.gz'))).toEqual([
      'sub-02_ses-a_T1w_dseg.nii.gz',
    ])
  })

  it('refuses a chosen file of another session or participant than its folder', async () => {
    const copy = (file: string): void => {
      mkdirSync(dirname(study.path(file)), { recursive: true })
      copyFileSync(study.scans[0], study.path(file))
    }
    copy('mixed/sub-01/anat/sub-01_T1w.nii.gz')
    copy('mixed/sub-02/ses-a/anat/sub-02_ses-b_T1w.nii.gz')
    copy('mixed/sub-03/anat/sub-03_T1w.nii.gz')
    copy('mixed/sub-03/anat/sub-01_T2w.nii.gz')
    copyFileSync(study.path('ds/dataset_description.json'), study.path('mixed/dataset_description.json'))
    const cases: [string[], RegExp][] = [
      [[], /sub-02_ses-b_T1w\.nii\.gz: is ses-b by its name and ses-a by its folder; rename it, or move it/],
      [
        ['--participant-label', '03', '--suffix', 'T1w,T2w'],
        /sub-01_T2w\.nii\.gz: is sub-01 by its name and sub-03 by its folder; rename it, or/,
      ],
    ]
    for (const [choice, message] of cases) {
      const { code, errors } = await sae(em('mixed', 'refused', ...choice))
      expect(errors).toEqual([expect.stringMatching(message)])
      expect(code).toBe(2)
    }
    expect(existsSync(study.path('refused'))).toBe(false)
    await succeed(em('mixed', 'mixed-out', '--participant-label', '01', '03'))
  })

  it('refuses what cannot be arranged so', async () => {
    const cases: [string[], RegExp][] = [
      [
        em('a.nii.gz', 'bad', '--layout', 'bids'),
        /a\.nii\.gz: is not of a BIDS dataset, which --layout bids needs/,
      ],
      [em('ds', 'bad', '--participant-label', '7'), /ds: has no scan of sub-7, but of sub-01, sub-02$/],
    ]
    for (const [args, message] of cases) {
      const { code, errors } = await sae(args)
      expect(errors.at(-1)).toMatch(message)
      expect(code).toBe(2)
    }
    expect(existsSync(study.path('bad'))).toBe(false)
  })
})
