/** What commands say of their own results, without labels. */
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readVolume } from '../../../src/io/files.js'
import { unknownGrid } from '../../../src/io/volume.js'
import { writeSafetensors, type Tensor } from '../../../src/io/safetensors.js'
import { toCodes } from '../../../src/sae/labels/label-codes.js'
import { createModel, defaultArchitecture } from '../../../src/sae/model.js'
import { makePhantom, phantomTable } from '../../../src/sae/phantom/phantom.js'
import { makeStudy, sae, succeed, type Outcome, type Study } from '../support.js'

const shape = [20, 24, 24] as const
const voxels = shape[0] * shape[1] * shape[2]

/** Few and large classes, which a network learns in seconds. */
const table = {
  classes: [
    { name: 'background', abbreviation: 'bg', codes: [0] },
    { name: 'cortex', abbreviation: 'ctx', codes: [3, 42] },
    { name: 'inside', abbreviation: 'in', codes: [2, 41, 4, 43, 10, 49, 12, 51] },
    { name: 'below', abbreviation: 'low', codes: [8, 47, 16] },
  ],
}
const K = table.classes.length

let study: Study
let scan: string
let labels: string

/** Millimetre voxels in a known place. */
const grid = { ...unknownGrid(shape), known: true }

beforeAll(async () => {
  study = await makeStudy()
  const { path, write } = study
  const { subjects, unpaired } = makePhantom({ shape, subjects: 1, seed: 2 })
  const codes = (classes: Uint8Array) => Float32Array.from(toCodes(classes, phantomTable))
  scan = await write('scan.nii.gz', subjects[0]!.scan, 'float32', grid)
  labels = await write('truth.nii.gz', codes(subjects[0]!.labels), 'uint8', grid)
  await write('unpaired.nii.gz', codes(unpaired.labels), 'uint8', grid)
  writeFileSync(path('table.json'), JSON.stringify(table))
  await succeed([
    ...[
      'prior',
      path('unpaired.nii.gz'),
      '--classes',
      path('table.json'),
      '--blur',
      '0.7',
      '--floor',
      '1e-3',
    ],
    ...['-o', path('prior.nii.gz')],
  ])
})
afterAll(() => {
  study.remove()
})

const pretrain = (output: string, ...more: string[]) => [
  ...['pretrain', scan, '--prior', study.path('prior.nii.gz'), '--classes', study.path('table.json')],
  ...['-o', study.path(output), ...more],
]

interface RunEntry {
  command: string
  inputs: { role: string; path: string; sha256: string }[]
  figures: {
    lastStep?: { step: number }
    segmentations: {
      scan: string
      verdict: { grade: string; reasons: string[]; advice: string[] }
      means: Record<string, number>
      classes: { name: string; voxels: number; vanished: boolean; diceWithEm: number }[]
      calledBackground: number
      crossEntropy: number
      priorEntropy: number
      errors: Record<string, number>
    }[]
  }
}
const runs = (output: string) =>
  (JSON.parse(readFileSync(study.path(`${output}/run.json`), 'utf8')) as { runs: RunEntry[] }).runs
const verdict = (output: string) => runs(output).at(-1)!.figures.segmentations[0]!.verdict

/** The one warning of a run that ended well. */
function warning({ code, errors }: Outcome): string {
  expect(code).toBe(0)
  const warnings = errors.filter((line) => line.startsWith('warning: '))
  expect(warnings, warnings.join('\n')).toHaveLength(1)
  return warnings[0]!
}

describe('a run that learns', () => {
  it('is called sound, beside the prior and EM, in print and in run.json', async () => {
    const first = await succeed(pretrain('run', '--labels', labels, '--steps', '100'))
    expect(first.errors.join('\n')).not.toContain('warning')
    expect(first.stdout).toContain('\nThe training scan, segmented\n')
    expect(first.stdout).toMatch(
      /^class +ml +expected +ratio +Dice\/prior +Dice\/EM +Dice\/labels +prior\/labels/m,
    )
    expect(first.stdout).toMatch(/^verdict: sound$/m)

    const { path } = study
    const init = ['--init', path('run/pretrained.safetensors'), '--prior', path('prior.nii.gz')]
    const second = await succeed([
      ...['train', scan, ...init, '--epochs', '30', '--labels', labels, '-o', path('run')],
    ])
    expect(second.stdout).toMatch(/^The training scan, segmented by .*best\.safetensors$/m)
    expect(second.stdout).toMatch(/^verdict: sound$/m)

    expect(runs('run').map(({ command }) => command)).toEqual(['pretrain', 'train'])
    const [pretraining, training] = runs('run') as [RunEntry, RunEntry]
    expect(pretraining.inputs.map(({ role, path }) => [role, path])).toEqual([
      ['scan', scan],
      ['labels', labels],
      ['prior', path('prior.nii.gz')],
    ])
    expect(training.inputs.at(-1)).toMatchObject({
      role: 'weights',
      path: path('run/pretrained.safetensors'),
    })
    expect(training.figures.lastStep!.step).toBe(30)
    const [result] = training.figures.segmentations
    expect(result!.verdict).toEqual({ grade: 'sound', reasons: [], advice: [] })
    expect(result!.classes.map(({ name }) => name)).toEqual(['background', 'cortex', 'inside', 'below'])
    const { diceWithLabels, priorWithLabels, emWithLabels } = result!.means
    for (const dice of [diceWithLabels, priorWithLabels, emWithLabels]) expect(dice).toBeGreaterThan(0.5)
    expect(result!.errors.reconstruction).toBeGreaterThan(0)
    expect(result!.crossEntropy).toBeGreaterThan(0)
    expect(result!.priorEntropy).toBeGreaterThan(0)
  })

  it('is EM too', async () => {
    const { stdout, errors } = await succeed([
      'em',
      scan,
      '--prior',
      study.path('prior.nii.gz'),
      '-o',
      study.path('em'),
    ])
    expect(errors.join('\n')).not.toContain('warning')
    expect(stdout).toMatch(/^verdict: sound$/m)
    expect(verdict('em').grade).toBe('sound')
  })
})

describe('a run that collapses is called that', () => {
  it('after an absurd learning rate', async () => {
    const line = warning(await sae(pretrain('absurd', '--lr', '1e5', '--epochs', '10')))
    expect(line).toMatch(/scan\.nii\.gz has collapsed: .* Try: .*a lower learning rate/)
    expect(verdict('absurd').grade).toBe('collapsed')
  })

  it('after too few steps, even with --quiet', async () => {
    const outcome = await sae(pretrain('short', '--recipe', 'paper', '--epochs', '5', '--quiet'))
    expect(warning(outcome)).toMatch(/has collapsed: .* Try: .*longer pretraining/)
    expect(outcome.stdout).toBe('')
  })

  it('by a prior that says nothing', async () => {
    const flat = new Float32Array(K * voxels).fill(1 / K)
    await study.write('flat.nii.gz', flat, 'float32', grid, K)
    const line = warning(await sae(pretrain('flat', '--prior', study.path('flat.nii.gz'), '--epochs', '20')))
    expect(line).toMatch(/has collapsed: the prior is nearly the same at every voxel.* Try: another prior/)
  })

  it('by a prior with a reversed axis', async () => {
    const flipped = new Float32Array(K * voxels)
    const { data } = await readVolume(study.path('prior.nii.gz'))
    const [D, H, W] = shape
    for (let row = 0; row < K * D * H; row++) {
      const mirrored = row - (row % H) + (H - 1 - (row % H))
      flipped.set(data.subarray(mirrored * W, (mirrored + 1) * W), row * W)
    }
    await study.write('flipped.nii.gz', flipped, 'float32', grid, K)
    const line = warning(
      await sae([
        ...['em', scan, '--prior', study.path('flipped.nii.gz'), '--classes', study.path('table.json')],
        ...['-o', study.path('flipped')],
      ]),
    )
    expect(line).toMatch(/has collapsed: the prior fits the scan better with axis 1 flipped/)
    expect(line).toMatch(/Try: scan and prior on one grid, with axes in the same order and direction/)
  })

  it('of a scan that is empty but for some hot voxels', async () => {
    const empty = new Float32Array(voxels)
    empty.set([1, 2, 1], 4000)
    const path = await study.write('empty.nii.gz', empty, 'float32', grid)
    const args = pretrain('empty', '--epochs', '2').with(1, path)
    expect(warning(await sae(args))).toMatch(
      /empty\.nii\.gz has collapsed: only 0\.03 % of the scan's voxels are not empty\. Try: a look at the intensities/,
    )
  })

  it('with weights that see background everywhere', async () => {
    const tensors = new Map<string, Tensor>()
    for (const { name, shape, initial } of createModel(defaultArchitecture(K)).parameters) {
      tensors.set(name, { dtype: 'F32', shape, data: Float32Array.from(initial as Float32Array) })
    }
    const bias = tensors.get('encoder.conv.bias')!.data as Float32Array
    bias[0] = 1000
    writeFileSync(study.path('background.safetensors'), writeSafetensors(tensors))
    const outcome = await sae([
      ...['segment', scan, '--weights', study.path('background.safetensors')],
      ...['--prior', study.path('prior.nii.gz'), '-o', study.path('background')],
    ])
    expect(warning(outcome)).toMatch(
      /has collapsed: \d+ % of the foreground is called background, 23 % by the prior's argmax/,
    )
    expect(verdict('background').grade).toBe('collapsed')
    expect(runs('background')[0]!.inputs.map(({ role }) => role)).toEqual(['scan', 'prior', 'weights'])
  })
})

describe('sae evaluate --prior', () => {
  it("scores the prior's own argmax beside the segmentation", async () => {
    const prior = ['--prior', study.path('prior.nii.gz'), '--classes', study.path('table.json')]
    const { stdout } = await succeed(['evaluate', labels, labels, ...prior])
    expect(stdout).toMatch(/^region +Dice +Dice of prior +HD95/)
    expect(stdout).toMatch(/^mean of 3 regions +1\.0000 +0\.\d{4} +0\.00 +0\.000 +1\.0000$/m)
    const { stdout: alone } = await succeed(['evaluate', labels, labels, ...prior, '--metrics', 'vs'])
    expect(alone).toMatch(/^region +VS +Dice of prior$/m)
    const { stdout: text } = await succeed(['evaluate', labels, labels, ...prior, '--json'])
    const json = JSON.parse(text) as { mean: number; prior: number; regions: { prior: number }[] }
    expect(json.mean).toBe(1)
    expect(json.regions).toHaveLength(3)
    expect(json.prior).toBeCloseTo(json.regions.reduce((sum, { prior }) => sum + prior, 0) / 3, 12)
    expect(json.prior).toBeGreaterThan(0.5)
    expect(json.prior).toBeLessThan(1)
  })
})
