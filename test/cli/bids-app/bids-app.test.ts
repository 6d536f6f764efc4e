/** `sae-bids`, as a BIDS App is called. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readParticipants } from '../../../src/cli/bids-app/group-table.js'
import { app } from '../../../src/cli/bids-app/program.js'
import { withEntity } from '../../../src/cli/cohort/bids-names.js'
import { takeLock } from '../../../src/cli/outputs/lock.js'
import { breaches, nameBreach } from '../cohort/bids-rules.js'
import { makePrior, makeStudy, saeBids, succeed, visibleFiles, type Outcome, type Study } from '../support.js'

let study: Study
const at = (name: string): string => study.path(name)
const prior = (): string[] => ['--prior', at('prior.nii.gz')]

beforeAll(async () => {
  study = await makeStudy()
  await makePrior(study)
  const scans = ['01/ses-1', '01/ses-2', '02/ses-1', '02/ses-2'].map((place, i) => {
    const [subject, session] = place.split('/') as [string, string]
    const file = `ds/sub-${place}/anat/sub-${subject}_${session}_run-1_T1w.nii${i % 2 === 0 ? '.gz' : ''}`
    return { file, scan: study.scans[i % 2]! }
  })
  for (const { file, scan } of scans) {
    mkdirSync(dirname(at(file)), { recursive: true })
    copyFileSync(scan, at(file))
  }
  writeFileSync(at('ds/dataset_description.json'), '{"Name": "ds", "BIDSVersion": "1.9.0"}')
  writeFileSync(at('ds/participants.tsv'), 'participant_id\tage\tverdict\nsub-01\t34\tx\nsub-02\tn/a\ty\n')
})
afterAll(() => {
  study.remove()
})

/** Runs `sae-bids`, which must succeed. */
async function run(...args: string[]): Promise<Outcome> {
  const outcome = await saeBids(args)
  expect(outcome.code, outcome.errors.join('\n')).toBe(0)
  return outcome
}

const table = (name: string): string[][] =>
  readFileSync(at(name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'))

describe('sae-bids without weights', () => {
  it('segments participants by EM, in commands that run at the same time', async () => {
    const own = (label: string): Promise<Outcome> =>
      run(at('ds'), at('out'), 'participant', ...prior(), '--posterior', '--participant_label', label)
    await Promise.all([own('01'), own('sub-02')])
    expect(visibleFiles(at('out'))).toEqual([
      ...['README.md', 'dataset_description.json', 'qc.csv', 'run.json', 'sub-01', 'sub-02', 'volumes.csv'],
    ])
    const stem = 'sub-02_ses-2_run-1_seg-sae'
    expect(visibleFiles(at('out/sub-02/ses-2/anat'))).toEqual(
      ['biasfield.nii.gz', 'dseg.json', 'dseg.nii.gz', 'dseg.tsv', 'probseg.json', 'probseg.nii.gz'].map(
        (end) => `${stem}_${end}`,
      ),
    )
    expect(JSON.parse(readFileSync(at(`out/sub-02/ses-2/anat/${stem}_dseg.json`), 'utf8'))).toEqual({
      Description: 'Segmentation of the brain by expectation maximisation',
      Sources: ['bids:raw:sub-02/ses-2/anat/sub-02_ses-2_run-1_T1w.nii'],
      Manual: false,
      SpatialReference: 'orig',
    })
    expect(await breaches(at('out'))).toEqual([])
    const { runs } = JSON.parse(readFileSync(at('out/run.json'), 'utf8')) as { runs: { program: string }[] }
    expect(runs.map(({ program }) => program)).toEqual(['sae-bids', 'sae-bids'])
  })

  it('asks for another output_dir, which it has, if the results are there', async () => {
    const again = [at('ds'), at('out'), 'participant', ...prior(), '--participant-label', '01']
    const { code, errors } = await saeBids(again)
    expect(errors.at(-1)).toMatch(/is there already; give --overwrite .*, or another output_dir$/)
    expect(code).toBe(2)
  })

  it('keeps out of the folder of a participant that another process works on', async () => {
    mkdirSync(at('locked/sub-01'), { recursive: true })
    await takeLock(at('locked/sub-01/.sae-lock'), 'this test')
    const { code, errors } = await saeBids([at('ds'), at('locked'), 'participant', ...prior()])
    expect(errors).toEqual([
      expect.stringMatching(
        /^sae-bids: .*locked\/sub-01: another sae \(process \d+ on .*\) writes there; wait for it/,
      ),
    ])
    expect(code).toBe(2)
    expect(visibleFiles(at('locked'))).toEqual(['sub-01'])
  })

  it('gathers tables and pages of the group', async () => {
    const { stdout } = await run(at('ds'), at('out'), 'group')
    expect(stdout).toContain('(4 scans of 2 participants)')
    const [head, ...rows] = table('out/volumes.tsv')
    expect(head!.slice(0, 7)).toEqual([
      ...['participant_id', 'session_id', 'scan', 'age', 'verdict', 'command', 'background_mm3'],
    ])
    expect(rows.map((row) => [row[0], row[1], row[3], row[4]])).toEqual([
      ['sub-01', 'ses-1', '34', 'x'],
      ['sub-01', 'ses-2', '34', 'x'],
      ['sub-02', 'ses-1', 'n/a', 'y'],
      ['sub-02', 'ses-2', 'n/a', 'y'],
    ])
    for (const row of rows) expect(Number(row[6])).toBeGreaterThan(0)
    const [quality, ...others] = table('out/qc.tsv')
    expect(quality).toEqual(expect.arrayContaining(['participant_verdict', 'verdict']))
    expect(others.every((row) => row.length === quality!.length && !row.includes(''))).toBe(true)
    const page = readFileSync(at('out/index.html'), 'utf8')
    expect(page).toContain('href="./sub-01/ses-1/anat/sub-01_ses-1_run-1_seg-sae_report.html"')
    expect(page).toContain('Segmentations of 4 scans')
    const own = readFileSync(at('out/sub-01/ses-1/anat/sub-01_ses-1_run-1_seg-sae_report.html'), 'utf8')
    expect(own).toMatch(/sae-bids \S+ds \S+out participant --prior/)
    expect(await breaches(at('out'))).toEqual([])
  })

  it('gathers those that are asked for, and names scans that are not segmented', async () => {
    await run(at('ds'), at('out'), 'group', '--session', '2', '--participant-label', '02')
    expect(table('out/volumes.tsv').map((row) => row[0])).toEqual(['participant_id', 'sub-02'])
    const more = at('ds/sub-03/anat/sub-03_T1w.nii.gz')
    mkdirSync(dirname(more), { recursive: true })
    copyFileSync(study.scans[0], more)
    const { errors } = await run(at('ds'), at('out'), 'group', '--quiet')
    expect(errors).toEqual([
      `warning: 1 of 5 scans are not segmented in ${at('out')}: sub-03/anat/sub-03_seg-sae`,
    ])
  })
})

describe('participants.tsv', () => {
  it('may have quotes in a cell, as pandas reads them', async () => {
    const cells = ['say "hi"', '5"', '"two\twords"', '"say ""hi"""']
    const lines = ['participant_id\tnote', ...cells.map((cell, i) => `sub-${i}\t${cell}`)]
    writeFileSync(at('quotes.tsv'), `${lines.join('\n')}\n`)
    const { rows } = await readParticipants(at('quotes.tsv'))
    expect([...rows.values()].map((row) => row.get('note'))).toEqual([
      ...['say "hi"', '5"', 'two\twords', 'say "hi"'],
    ])
    writeFileSync(at('open.tsv'), 'participant_id\tnote\nsub-1\t"open\nsub-2\tx\n')
    await expect(readParticipants(at('open.tsv'))).rejects.toThrow(
      /open\.tsv, line \d: a quote is not closed/,
    )
  })
})

describe('sae-bids with weights', () => {
  it('segments with them, at every second voxel by another name', async () => {
    const scan = at('ds/sub-01/ses-1/anat/sub-01_ses-1_run-1_T1w.nii.gz')
    await succeed(['pretrain', scan, ...prior(), '--epochs', '1', '--every', '2', '-o', at('run')])
    const weights = ['--weights', at('run/pretrained.safetensors')]
    const chosen = ['--participant-label', '01', '--session', 'ses-1']
    await run(at('ds'), at('ds/derivatives/sae'), 'participant', ...prior(), ...weights, ...chosen)
    const folder = at('ds/derivatives/sae/sub-01/ses-1/anat')
    const stem = 'sub-01_ses-1_run-1_seg-sae_res-every2_dseg'
    expect(readdirSync(folder).filter((name) => name.endsWith('.nii.gz'))).toEqual([`${stem}.nii.gz`])
    expect(JSON.parse(readFileSync(`${folder}/${stem}.json`, 'utf8'))).toMatchObject({
      Description: 'Segmentation of the brain by a Segmentation Auto-Encoder',
      Resolution: 'One voxel for every 2 voxels of the scan along each axis',
    })
    expect(await breaches(at('ds/derivatives/sae'))).toEqual([])
    await run(at('ds'), at('ds/derivatives/sae'), 'group', ...chosen)
    expect(table('ds/derivatives/sae/qc.tsv')).toHaveLength(2)
  })
})

describe('sae-bids refuses, in one line', () => {
  it.each<[string, () => string[], RegExp]>([
    [
      'another level',
      () => ['ds', 'bad', 'subject'],
      /^sae-bids: .*'subject' is invalid .* participant, group\.$/,
    ],
    [
      'no level',
      () => ['ds', 'bad'],
      /^sae-bids: missing required argument 'analysis_level'; see sae-bids --help$/,
    ],
    [
      'a participant that is not there',
      () => ['ds', 'bad', 'participant', ...prior(), '--participant-label', '07'],
      /^sae-bids: .*ds: has no scan of sub-07, but of sub-01, sub-02/,
    ],
    [
      'a dataset without T1w',
      () => ['bare', 'bad', 'participant', ...prior()],
      /^sae-bids: .*bare: this BIDS dataset has no scan sub-\*\/anat\/\*_T1w; see --suffix$/,
    ],
    [
      'a contrast that is not there, without advice to give files',
      () => ['ds', 'bad', 'participant', ...prior(), '--suffix', 'T1w,T2w'],
      /T1w\.nii\.gz: there is no T2w beside it, .*; choose others with --participant-label, or give --suffix T1w$/,
    ],
    [
      "a scan in another participant's folder",
      () => ['mixed', 'bad', 'participant', ...prior()],
      /^sae-bids: \S+sub-05\/anat\/sub-06_T1w\.nii: is sub-06 by its name and sub-05 by its folder; rename it, or/,
    ],
    [
      'no dataset',
      () => ['run', 'bad', 'participant', ...prior()],
      /run: is not a BIDS dataset; it lacks dataset_/,
    ],
    [
      'no folder',
      () => ['nowhere', 'bad', 'group'],
      /nowhere: there is no such folder; give a BIDS dataset$/,
    ],
    [
      'no prior',
      () => ['ds', 'bad', 'participant'],
      /^sae-bids: the level participant needs --prior; make one/,
    ],
    [
      'to write into the dataset',
      () => ['ds', 'ds', 'group'],
      /ds: is the dataset itself; give another folder/,
    ],
    [
      'a group of none',
      () => ['ds', 'bad', 'group'],
      /bad: has no segmentation of these scans of .*ds; run the/,
    ],
    [
      'an option of the other level',
      () => ['ds', 'out', 'group', ...prior()],
      /^sae-bids: --prior is for the level participant; leave it out$/,
    ],
  ])('%s', async (_, args, message) => {
    mkdirSync(at('run'), { recursive: true })
    mkdirSync(at('bare/sub-01/anat'), { recursive: true })
    writeFileSync(at('bare/dataset_description.json'), '{"Name": "bare", "BIDSVersion": "1.9.0"}')
    mkdirSync(at('mixed/sub-05/anat'), { recursive: true })
    copyFileSync(study.scans[1], at('mixed/sub-05/anat/sub-06_T1w.nii'))
    copyFileSync(at('bare/dataset_description.json'), at('mixed/dataset_description.json'))
    const [dataset, output, ...others] = args()
    const { code, errors } = await saeBids([at(dataset!), at(output!), ...others])
    expect(errors).toEqual([expect.stringMatching(message)])
    expect(code).toBe(2)
    expect(existsSync(at('bad'))).toBe(false)
  })
})

describe('names', () => {
  it('have their entities in the order of BIDS', () => {
    expect(withEntity('sub-01_space-MNI152_desc-brain', 'seg', 'sae')).toBe(
      'sub-01_space-MNI152_seg-sae_desc-brain',
    )
    expect(withEntity('sub-01_seg-x_res-2', 'res', '2every4')).toBe('sub-01_seg-x_res-2every4')
  })

  it('are told from wrong ones by these tests', () => {
    expect(nameBreach('sub-01/anat/sub-01_space-a_seg-sae_res-1_desc-b_dseg.tsv')).toBeUndefined()
    for (const wrong of [
      'sub-01/anat/sub-01_desc-b_seg-sae_dseg.tsv',
      'sub-01/anat/sub-02_seg-sae_dseg.tsv',
      'sub-01/anat/sub-01_ses-1_seg-sae_dseg.tsv',
      'sub-01/anat/sub-01_seg-sae_biasfield.nii.gz',
      'sub-01/anat/sub-01_seg-s_ae_dseg.nii.gz',
      'sub-01/sub-01_seg-sae_dseg.nii.gz',
    ])
      expect(nameBreach(wrong), wrong).toBeDefined()
  })
})

it('takes every command that its help and docs/bids.md show', () => {
  const text = readFileSync('docs/bids.md', 'utf8') + printedHelp()
  const lines = [...text.matchAll(/^ *(?:sae-bids|docker run .* sae-webgpu|apptainer run .*\.sif) (.*)$/gm)]
  expect(lines.length).toBeGreaterThanOrEqual(6)
  for (const [, line] of lines) {
    const { operands, unknown } = app.parseOptions(line!.split(/\s+/))
    expect(unknown, line).toEqual([])
    expect(operands, line).toHaveLength(3)
    expect(['participant', 'group']).toContain(operands[2])
  }
})

/** With what comes after the options. */
function printedHelp(): string {
  let printed = ''
  app.configureOutput({ writeOut: (text) => (printed += text) })
  app.outputHelp()
  return printed
}
