import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readVolume, writeVolume } from '../../../src/io/files.js'
import { unknownGrid } from '../../../src/io/volume.js'
import { TinyRun } from '../../crash/tiny-run.js'
import { sae, succeed, visibleFiles } from '../support.js'

let folder: string
let tiny: TinyRun
const path = (name: string): string => join(folder, name)
const text = (name: string): string => readFileSync(path(name), 'base64')

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sae-outputs-'))
  tiny = await TinyRun.make(folder)
  const labels = { data: new Float32Array(512).map((_, i) => (i % 3 === 0 ? 2 : 0)), channels: 1 }
  await writeVolume(
    path('labels.nii.gz'),
    { ...labels, grid: unknownGrid([8, 8, 8]), source: 'labels' },
    'uint8',
  )
  const classes = ['background', 'white matter'].map((name, c) => ({ name, codes: [2 * c] }))
  writeFileSync(path('atlas.json'), JSON.stringify({ note: 'by hand', classes }))
  writeFileSync(path('sub-01_probseg.json'), '{"Manual": true}')
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

/** A command that must be refused in one line, with every file as it was. */
async function refusal(...args: string[]): Promise<string> {
  const files = () =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [parentPath, name, readFileSync(join(parentPath, name), 'base64')])
  const before = files()
  const { code, errors } = await sae(args)
  expect(errors.filter((line) => !line.startsWith('warning: '))).toHaveLength(1)
  expect(code).toBe(2)
  expect(files()).toEqual(before)
  return errors.at(-1)!
}

const labels = () => path('labels.nii.gz')
const prior = (output: string, ...more: string[]) => ['prior', labels(), '-o', path(output), ...more]
const segment = (scan: string, ...more: string[]) => [
  ...['--quiet', 'segment', path(scan), '--prior', path('prior.nii'), '-o', path('out')],
  ...(more.includes('--weights') ? more : ['--weights', path('init.safetensors'), ...more]),
]

describe('an input', () => {
  it.each<[string, () => string[], RegExp]>([
    ['the label map of a prior', () => prior('labels.nii.gz'), /labels\.nii\.gz: is an input/],
    [
      'the table of its classes',
      () => prior('atlas.nii.gz', '--classes', path('atlas.json')),
      /atlas\.json: is an input/,
    ],
    [
      'the reference of sae evaluate',
      () => ['evaluate', labels(), labels(), '--csv', labels()],
      /labels\.nii\.gz: is an input of this command; give another --csv/,
    ],
    [
      'the weights to train from',
      () => {
        mkdirSync(path('init'), { recursive: true })
        copyFileSync(path('init.safetensors'), path('init/best.safetensors'))
        const init = ['--init', path('init/best.safetensors')]
        return ['train', path('a.nii'), '--prior', path('prior.nii'), ...init, '-o', path('init')]
      },
      /best\.safetensors: is an input/,
    ],
  ])('is never replaced: %s', async (_, command, message) => {
    expect(await refusal(...command())).toMatch(message)
    expect(await refusal(...command(), '--overwrite')).toMatch(message)
  })
})

describe('a file that is there', () => {
  it("is never replaced if it is another program's: a BIDS sidecar beside a prior", async () => {
    for (const more of [[], ['--overwrite']])
      expect(await refusal(...prior('sub-01_probseg.nii.gz', ...more))).toMatch(
        /sub-01_probseg\.json: is there, and not as sae wrote it/,
      )
  })

  it('is replaced with --overwrite if sae wrote it: priors and tables of Dice', async () => {
    const evaluate = ['evaluate', labels(), labels(), '--csv', path('dice.csv')]
    for (const [name, command] of [
      ['p.nii.gz', prior('p.nii.gz')],
      ['dice.csv', evaluate],
    ] as const) {
      await succeed(command)
      expect(await refusal(...command)).toMatch(new RegExp(`${name}: is there already; give --overwrite`))
      await succeed([...command, '--overwrite'])
      const before = text(name)
      writeFileSync(path(name), 'by hand')
      expect(await refusal(...command, '--overwrite')).toMatch(/never replaced/)
      expect(before).not.toBe(text(name))
    }
    expect(readdirSync(folder).filter((name) => /lock$|sae-tmp$/.test(name))).toEqual([])
  })

  it('is a finished run: train and pretrain refuse its folder', async () => {
    expect((await tiny.start('run', 'beginning', '--epochs', '2').ending).code).toBe(0)
    const common = [path('a.nii'), '--prior', path('prior.nii'), '--recipe', 'paper', '--epochs', '1']
    const train = ['train', ...common, '--init', path('init.safetensors'), '-o', path('run')]
    expect(await refusal(...train)).toMatch(/run\/last\.safetensors: is there already; give --overwrite/)
    const pretrain = ['pretrain', ...common, '--init', path('init.safetensors'), '-o', path('run')]
    await succeed(pretrain)
    expect(await refusal(...pretrain)).toMatch(/run\/pretrained\.safetensors: is there already/)
    const before = text('run/last.safetensors')
    await succeed([...train, '--overwrite'])
    expect(text('run/last.safetensors')).not.toBe(before)
  })

  it('is a demo, which is the same', async () => {
    mkdirSync(path('demo'))
    writeFileSync(path('demo/figure.png'), 'a picture')
    expect(await refusal('demo', '-o', path('demo'), '--overwrite')).toMatch(
      /figure\.png: is there, and not as/,
    )
  })
})

describe('sae train --resume', () => {
  const resume = (scans: string[], ...more: string[]) => [
    ...['--quiet', 'train', ...scans.map(path), '--prior', path('prior.nii')],
    ...['--resume', path('resumed/last.safetensors'), '--epochs', '3', '-o', path('resumed'), ...more],
  ]
  beforeAll(async () => {
    expect((await tiny.start('resumed', 'beginning', '--epochs', '2').ending).code).toBe(0)
    const { data, grid, channels } = await readVolume(path('prior.nii'))
    const other = data.map((p, i) => p + (i < 512 ? 0.1 : i < 1024 ? -0.1 : 0))
    await writeVolume(path('other-prior.nii'), { data: other, channels, grid, source: 'other' }, 'float32')
  })

  it.each<[string, () => string[], RegExp]>([
    [
      'another scan',
      () => resume(['a.nii', 'labels.nii.gz']),
      /labels\.nii\.gz: is not scan 2 of the run of /,
    ],
    [
      'another order',
      () => resume(['b.nii', 'a.nii']),
      /the scans in another order.* from scan 1 on, .*b\.nii/,
    ],
    ['fewer scans', () => resume(['a.nii']), /its run has 2 scans, not 1/],
    [
      'another prior',
      () => resume(['a.nii', 'b.nii'], '--prior', path('other-prior.nii')),
      /other-prior\.nii: is not the prior of the run of /,
    ],
    [
      'another grid',
      () => resume(['a.nii', 'b.nii'], '--every', '2'),
      /--every 2 contradicts .*, which has 1/,
    ],
    ['other settings', () => resume(['a.nii', 'b.nii'], '--beta', '3'), /--beta 3 contradicts/],
  ])('refuses %s', async (_, command, message) => {
    expect(await refusal(...command())).toMatch(message)
  })

  it('goes on with the same, in its own folder without being asked to replace anything', async () => {
    await succeed(resume(['a.nii', 'b.nii']))
    expect(await refusal(...resume(['a.nii', 'b.nii'], '-o', path('run'), '--epochs', '4'))).toMatch(
      /run\/last\.safetensors: is there already/,
    )
  })
})

describe('sae segment', () => {
  const dseg = (name: string): string => `out/${name}_dseg.nii.gz`

  it("names two subjects' T1w.nii.gz after their folders, in one run or in two", async () => {
    for (const [subject, scan] of [
      ['sub-01', 'a.nii'],
      ['sub-02', 'b.nii'],
    ] as const) {
      mkdirSync(path(`${subject}/anat`), { recursive: true })
      copyFileSync(path(scan), path(`${subject}/anat/T1w.nii`))
      mkdirSync(path(`site-${subject}`))
      copyFileSync(path(scan), path(`site-${subject}/brain.nii`))
      await succeed(segment(`${subject}/anat/T1w.nii`))
      await succeed(segment(`site-${subject}/brain.nii`))
    }
    expect(visibleFiles(path('out')).filter((name) => name.endsWith('.gz'))).toEqual([
      'brain_dseg.nii.gz',
      'site-sub-02_brain_dseg.nii.gz',
      'sub-01_T1w_dseg.nii.gz',
      'sub-02_T1w_dseg.nii.gz',
    ])
    // Each finds its own again.
    const kept = await succeed(
      [...segment('sub-02/anat/T1w.nii', '--keep-existing'), path('site-sub-02/brain.nii')].filter(
        (word) => word !== '--quiet',
      ),
    )
    expect(kept.stdout).toBe('2 of 2 scans are segmented already.\n')
  })

  it('keeps what was made from the same scan in the same way only', async () => {
    mkdirSync(path('again'))
    copyFileSync(path('a.nii'), path('again/scan.nii'))
    copyFileSync(path('init.safetensors'), path('again/w.safetensors'))
    const common = (...more: string[]) =>
      segment('again/scan.nii', '--weights', path('again/w.safetensors'), ...more)
    await succeed(common())
    expect(await refusal(...common())).toMatch(/scan_dseg\.tsv: is there already/)
    const before = text(dseg('scan'))
    expect(await refusal(...common('--keep-existing', '--every', '2'))).toMatch(
      /scan_dseg\.nii\.gz: is there, but was made with --every 1; give --overwrite too/,
    )
    expect(await refusal(...common('--keep-existing', '--posterior'))).toMatch(
      /was made without --posterior;/,
    )
    copyFileSync(path('resumed/last.safetensors'), path('again/w.safetensors'))
    expect(await refusal(...common('--keep-existing'))).toMatch(/was made with other weights;/)
    copyFileSync(path('init.safetensors'), path('again/w.safetensors'))
    copyFileSync(path('b.nii'), path('again/scan.nii'))
    expect(await refusal(...common('--keep-existing'))).toMatch(/was made from another scan;/)
    await succeed(common('--keep-existing', '--overwrite'))
    expect(text(dseg('scan'))).not.toBe(before)

    // A map that somebody has corrected is worth more than one that can be computed.
    writeFileSync(path(dseg('scan')), 'corrected')
    const { errors } = await succeed(common('--keep-existing', '--overwrite'))
    expect(errors).toEqual([
      `warning: ${path(dseg('scan'))}: was changed after sae wrote it; it is kept as it is`,
    ])
    expect(await refusal(...common('--overwrite'))).toMatch(/never replaced/)

    // Nobody knows what this was made from.
    writeFileSync(path('out/b_dseg.nii.gz'), 'foreign')
    expect(await refusal(...segment('b.nii', '--keep-existing'))).toMatch(/nothing says that sae made it/)
  })

  it('makes anew what a killed run left unfinished', async () => {
    await succeed(segment('a.nii', '--posterior'))
    rmSync(path(dseg('a')))
    await succeed(segment('a.nii', '--posterior', '--keep-existing'))
    expect(visibleFiles(path('out'))).toContain('a_dseg.nii.gz')
  })
})
