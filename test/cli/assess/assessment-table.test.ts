import { describe, expect, it } from 'vitest'
import { formatAssessments } from '../../../src/cli/assess/assessment-table.js'
import { assess } from '../../../src/sae/assessment/assessment.js'
import { summarisePrior } from '../../../src/sae/assessment/prior-summary.js'
import { identityTable } from '../../../src/sae/labels/label-table.js'

/** 1000 voxels, of which 200 are not empty: 100 of class 1, 80 of class 2, 20 of class 3; class 4 is nowhere. */
const truth = Uint8Array.from({ length: 1000 }, (_, i) => (i < 800 ? 0 : i < 900 ? 1 : i < 980 ? 2 : 3))
const scan = Float32Array.from(truth, (c) => c / 4)
const K = 5
const prior = new Float32Array(K * 1000)
truth.forEach((c, i) => (prior[c * 1000 + i] = 1))
const table = identityTable(K)
const summary = summarisePrior({ data: prior, classes: K, shape: [10, 10, 10] }, table)
const half = truth.map((c, i) => (c === 3 ? 0 : c === 2 && i < 940 ? 1 : c))
const named = (classes: Uint8Array, more: object = {}) => ({
  scan: 'a.nii',
  assessment: assess(summary, { scan, classes, ...more }),
})
const rows = (text: string) => text.split('\n').map((line) => line.trim().split(/\s{2,}/))

describe('formatAssessments', () => {
  it('has a row for each class, in voxels, and marks what is absent or has vanished', () => {
    const text = formatAssessments([named(half)], table, undefined)
    expect(rows(text).slice(0, 7)).toEqual([
      ['class', 'voxels', 'expected', 'ratio', 'Dice/prior'],
      ['background', '820', '800', '1.02', '0.988'],
      ['class 1', '140', '100', '1.40', '0.834'],
      ['class 2', '40', '80', '0.50', '0.669'],
      ['class 3 (vanished)', '0', '20', '0.00', '0.048'],
      ['class 4 (absent)', '0', '0', '-', '-'],
      ['mean of 4 regions', '0.517'],
    ])
    expect(text).toContain("foreground called background: 10 % (prior's argmax: 0 %)")
    expect(text).toContain('(entropy of the prior 0.000)')
  })

  it('turns voxels into millilitres, and shows the available scores', () => {
    const em = { classes: truth, every: 1 }
    const text = formatAssessments([named(half, { truth, em, reconstruction: scan })], table, 50)
    expect(rows(text)[0]).toEqual([
      ...['class', 'ml', 'expected', 'ratio'],
      ...['Dice/prior', 'Dice/EM', 'Dice/labels', 'prior/labels', 'EM/labels'],
    ])
    expect(rows(text)[2]).toEqual([
      'class 1',
      '7.0',
      '5.0',
      '1.40',
      '0.834',
      '0.834',
      '0.834',
      '1.000',
      '1.000',
    ])
    expect(text).toMatch(/mean squared error: 0\.00 of the reconstruction, .* of class means/)
  })

  it('averages over scans', () => {
    const text = formatAssessments([named(half), named(truth)], table, undefined)
    expect(rows(text)[2]).toEqual(['class 1', '120', '100', '1.20', '0.917'])
    expect(rows(text)[4]![0]).toBe('class 3 (vanished in 1)')
  })
})
