import { readFileSync, symlinkSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeStudy, sae, succeed, type Study } from '../support.js'

let study: Study

beforeAll(async () => {
  study = await makeStudy()
  const { path, unpaired, classes } = study
  await succeed(['prior', unpaired, '--classes', classes, '--floor', '1e-4', '-o', path('prior.nii.gz')])
})
afterAll(() => {
  study.remove()
})

function train(output: string, ...more: string[]) {
  const [scan] = study.scans
  const options = ['--decoder-steps', '2', '--labels', study.labels[0], ...more]
  return sae(['train', scan, '--prior', study.path('prior.nii.gz'), '-o', study.path(output), ...options])
}

/** The column `name` of the log of a run. */
function column(output: string, name: string): string[] {
  const [header, ...rows] = readFileSync(study.path(`${output}/train.csv`), 'utf8')
    .trimEnd()
    .split('\n')
  const at = header!.split(',').indexOf(name)
  return rows.map((row) => row.split(',')[at]!)
}

describe('sae train --validate', () => {
  it('scores every tenth step of a scan on the other, and keeps the weights with the lowest score', async () => {
    const { code } = await train('run', '--steps', '25', '--validate', study.scans[1])
    expect(code).toBe(0)
    const scores = column('run', 'validation')
    const scored = scores.flatMap((score, i) => (score === '' ? [] : [i + 1]))
    expect(scored).toEqual([10, 20])
    const best = readFileSync(study.path('run/best.safetensors'))
    const header = best.subarray(8, 8 + Number(best.readBigUInt64LE(0))).toString()
    const { __metadata__ } = JSON.parse(header) as { __metadata__: { selection: string } }
    const { lowest } = JSON.parse(__metadata__.selection) as { lowest: number }
    expect(lowest).toBeCloseTo(Math.min(Number(scores[9]), Number(scores[19])), 1)
    const record = JSON.parse(readFileSync(study.path('run/run.json'), 'utf8')) as {
      runs: { inputs: { role: string; path: string; sha256: string }[] }[]
    }
    const validation = record.runs[0]!.inputs.filter(({ role }) => role === 'validation scan')
    expect(validation).toEqual([expect.objectContaining({ path: study.scans[1] })])
  })

  it('ends with --patience once the score has stopped falling', async () => {
    // At this rate the weights overshoot.
    const options = ['--steps', '150', '--lr', '0.1', '--patience', '1', '--validate', study.scans[1]]
    const { code } = await train('patient', ...options)
    expect(code).toBe(0)
    const scores = column('patient', 'validation').filter((score) => score !== '')
    expect(scores.length).toBeLessThan(15)
  })

  it('goes on with the same scans only', async () => {
    await train('resumed', '--steps', '10', '--validate', study.scans[1])
    const resume = ['--resume', study.path('resumed/last.safetensors'), '--steps', '20']
    const [scan] = study.scans
    const common = [scan, '--prior', study.path('prior.nii.gz'), '-o', study.path('resumed'), ...resume]
    const { code, errors } = await sae(['train', ...common, '--labels', study.labels[0]])
    expect(code).toBe(2)
    expect(errors.join('\n')).toMatch(/train\.csv: .*--validate/)
  })

  it('refuses a scan that is learnt from', async () => {
    const link = study.path('link.nii.gz')
    symlinkSync(study.scans[0], link)
    for (const [scan, name] of [
      [study.scans[0], 'a'],
      [link, 'link'],
    ] as const) {
      const { code, errors } = await train('both', '--validate', scan)
      expect(code).toBe(2)
      expect(errors).toEqual([expect.stringMatching(`${name}\\.nii.* training scan and in --validate`)])
    }
  })
})
