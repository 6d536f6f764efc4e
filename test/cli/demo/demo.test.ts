import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sae, succeed, visibleFiles } from '../support.js'

let folder: string
const output = () => join(folder, 'demo')

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sae-demo-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

describe('sae demo', () => {
  it('refuses a size too small for a phantom, in one line and with nothing written', async () => {
    const { code, errors } = await sae(['demo', '--size', '8,8,8', '-o', output()])
    expect(code).toBe(2)
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatch(/^sae: .*"8,8,8" is not three whole numbers from 16/)
    expect(readdirSync(folder)).toEqual([])
  })

  it('runs from phantoms to the picture and prints both curves next to the prior', async () => {
    const size = ['--size', '16,16,16', '--subjects', '1', '--epochs', '2']
    const { stdout } = await succeed(['demo', ...size, '-o', output()])
    expect(visibleFiles(output())).toEqual([
      'curves.svg',
      'figure.png',
      'pretrain.csv',
      'prior-subject_labels.nii.gz',
      'prior.json',
      'prior.nii.gz',
      'sub-01_T1w.nii.gz',
      'sub-01_desc-independent_dseg.nii.gz',
      'sub-01_desc-mrf_dseg.nii.gz',
      'sub-01_truth.nii.gz',
      'train-independent.csv',
      'train-mrf.csv',
    ])
    expect(readFileSync(join(output(), 'figure.png')).subarray(1, 4).toString()).toBe('PNG')
    expect(readFileSync(join(output(), 'curves.svg'), 'utf8')).toMatch(
      /^<svg[^]*MRF prior[^]*independent prior/,
    )

    const table = stdout.slice(stdout.indexOf('mean Dice by epoch')).split('\n')
    expect(table[0]).toMatch(/^mean Dice by epoch \(the prior's own argmax: 0\.\d{3}, EM: 0\.\d{3}\)$/)
    expect(table[1]).toMatch(/^ epoch +MRF prior +independent prior$/)
    expect(table.slice(2, 4).map((line) => line.trim().split(/\s+/)[0])).toEqual(['1', '2'])
    for (const line of table.slice(2, 4)) expect(line).toMatch(/^ +\d( +[01]\.\d{3}){2}$/)
  })
})
