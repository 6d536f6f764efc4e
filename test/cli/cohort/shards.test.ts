/** Several runs that share the scans of a cohort, and runs that go on without a bad scan. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { thisHost, thisProcess } from '../../../src/io/process-life.js'
import { makePrior, makeStudy, sae, succeed, visibleFiles, type Study } from '../support.js'

let study: Study
/** Three of one base name. */
let scans: string[]

beforeAll(async () => {
  study = await makeStudy()
  await makePrior(study)
  const [a, b] = study.scans.map((path) => readFileSync(path))
  const files = { 'é 1/brain.nii.gz': a!, 'sub 2/brain.nii.gz': a!, 'é 10/brain.nii': b! }
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(study.path(name)))
    writeFileSync(study.path(name), content)
  }
  scans = Object.keys(files).map(study.path)
})
afterAll(() => {
  study.remove()
})

const em = (given: readonly string[], output: string, ...more: string[]): string[] => [
  ...['em', ...given, '--prior', study.path('prior.nii.gz'), '-o', study.path(output)],
  ...['--every', '2', '--iterations', '1', ...more],
]
const segmentations = (output: string): string[] =>
  visibleFiles(study.path(output)).filter((name) => name.endsWith('_dseg.nii.gz'))

interface Record {
  readonly runs: readonly {
    readonly inputs: readonly { readonly role: string; readonly path: string }[]
    readonly figures: { failed?: object[] }
  }[]
}
const record = (output: string): Record =>
  JSON.parse(readFileSync(study.path(join(output, 'run.json')), 'utf8')) as Record

describe('--shard', () => {
  it('divides the scans among runs that write to one folder at the same time', async () => {
    const outcomes = await Promise.all(
      ['1/2', '2/2'].map((shard) => sae(em(scans, 'shared', '--shard', shard))),
    )
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0])
    const notes = outcomes.map(({ errors }) => errors.find((line) => line.startsWith('shard ')))
    expect(notes).toEqual(['shard 1 of 2: 2 of 3 scans', 'shard 2 of 2: 1 of 3 scans'])
    const names = ['sub 2_brain_dseg.nii.gz', 'é 10_brain_dseg.nii.gz', 'é 1_brain_dseg.nii.gz']
    expect(segmentations('shared').sort()).toEqual(names.sort())
    const done = record('shared').runs.map(({ inputs }) =>
      inputs.filter(({ role }) => role === 'scan').map(({ path }) => path),
    )
    // In natural order of their paths: sub 2 after the others.
    expect(done.toSorted((a, b) => b.length - a.length)).toEqual([[scans[0], scans[1]], [scans[2]]])
    const again = await succeed(em(scans, 'shared', '--keep-existing'))
    expect(again.stdout).toBe('3 of 3 scans are segmented already.\n')
  })

  it('takes the part of a task of a Slurm job array, whatever number that begins with', async () => {
    const task = { SLURM_ARRAY_TASK_ID: '5', SLURM_ARRAY_TASK_COUNT: '3', SLURM_ARRAY_TASK_MIN: '4' }
    const { code, errors } = await sae(em(scans, 'slurm', '--shard', 'slurm'), task)
    expect(errors).toContain('shard 2 of 3: 1 of 3 scans')
    expect(code).toBe(0)
    expect(segmentations('slurm')).toEqual(['é 10_brain_dseg.nii.gz'])
  })

  it('has nothing to do if there are more shards than scans', async () => {
    await succeed(em(scans, 'none', '--shard', '4/4'))
    expect(existsSync(study.path('none'))).toBe(false)
  })

  it.each(['0/3', '4/3', '1', '1/0', '-1/3', '1.5/3', 'slurm'])('refuses %s', async (shard) => {
    const { code, errors } = await sae(em(scans, 'bad', '--shard', shard))
    expect(errors.join('\n')).toMatch(
      /^sae: option '--shard <i\/n>' argument '.*' is invalid\. It (must be|needs) /,
    )
    expect(code).toBe(2)
  })

  it('keeps out runs that divide the work otherwise', async () => {
    mkdirSync(study.path('held'))
    const holder = { ...thisProcess, host: thisHost, started: new Date().toISOString() }
    writeFileSync(study.path('held/.sae-lock-1-of-3'), JSON.stringify(holder))
    for (const more of [[], ['--shard', '2/2'], ['--shard', '1/3']]) {
      const { code, errors } = await sae(em(scans, 'held', ...more))
      expect(errors.at(-1)).toMatch(/held: another sae \(process \d+ on .*\) writes there/)
      expect(code).toBe(2)
    }
    await succeed(em(scans, 'held', '--shard', '2/3'))
    expect(segmentations('held')).toHaveLength(1)
  })
})

describe('--keep-going', () => {
  beforeAll(() => {
    mkdirSync(study.path('mixed'))
    for (const name of ['a.nii.gz', 'b.nii.gz'])
      writeFileSync(study.path(`mixed/${name}`), readFileSync(scans[0]!))
    writeFileSync(study.path('mixed/torn.nii.gz'), readFileSync(scans[0]!).subarray(0, 900))
  })

  it('does the other scans, lists those that failed, and ends with exit code 3', async () => {
    const { code, errors } = await sae(em([study.path('mixed')], 'went-on', '--keep-going'))
    expect(code).toBe(3)
    expect(errors.filter((line) => /^warning: .*torn/.test(line))).toEqual([
      expect.stringMatching(/^warning: left out: .*torn\.nii\.gz: /),
      `warning: 1 of 3 scans failed: ${study.path('mixed/torn.nii.gz')}`,
    ])
    expect(segmentations('went-on')).toEqual(['a_dseg.nii.gz', 'b_dseg.nii.gz'])
    expect(record('went-on').runs[0]!.figures.failed).toMatchObject([
      { scan: study.path('mixed/torn.nii.gz') },
    ])
  })

  it('is needed for that, and does not help if no scan is good', async () => {
    const refused = await sae(em([study.path('mixed')], 'refused'))
    expect(refused.code).toBe(2)
    const none = await sae(em([study.path('mixed/torn.nii.gz')], 'refused', '--keep-going'))
    expect(none.code).toBe(2)
    expect(none.errors.at(-1)).toMatch(/^sae: .*torn\.nii\.gz: /)
    expect(existsSync(study.path('refused'))).toBe(false)
  })
})
