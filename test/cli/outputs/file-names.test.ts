import { describe, expect, it } from 'vitest'
import { distinctNames, subjectName } from '../../../src/cli/outputs/file-names.js'

describe('subjectName', () => {
  it.each([
    ['scans/a.nii.gz', 'a'],
    ['A.NPZ', 'A'],
    ['/d/sub-01/anat/sub-01_T1w.nii.gz', 'sub-01_T1w'],
    ['/d/sub-01/anat/T1w.nii.gz', 'sub-01_T1w'],
    ['/d/sub-01/ses-2/anat/T1w.nii', 'sub-01_ses-2_T1w'],
    ['/d/ses-2/T1w.nii', 'ses-2_T1w'],
    ['/d/bert/mri/brain.nii.gz', 'brain'],
  ])('%s -> %s', (path, name) => {
    expect(subjectName(path)).toBe(name)
  })
})

describe('distinctNames', () => {
  it('adds folders only for those that need them, the nearest that tells them apart', () => {
    expect(distinctNames(['/d/bert/mri/brain.nii', '/d/ernie/mri/brain.nii', '/d/x/a.nii'])).toEqual([
      'bert_brain',
      'ernie_brain',
      'a',
    ])
    expect(distinctNames(['/u/sub-1/T1w.nii', '/v/sub-1/T1w.nii'])).toEqual(['u_sub-1_T1w', 'v_sub-1_T1w'])
    expect(distinctNames(['/a/x/t.nii', '/b/x/t.nii', '/a/y/t.nii', '/b/y/t.nii'])).toEqual([
      'a_x_t',
      'b_x_t',
      'a_y_t',
      'b_y_t',
    ])
  })

  it("leaves another scan's name alone, and keeps the one that a scan has", () => {
    const owners = new Map([['brain', '/d/bert/brain.nii']])
    const names = (path: string) =>
      distinctNames(
        [path],
        (name, scan) => owners.has(name) && owners.get(name) !== scan,
        (scan, candidates) => candidates.find((name) => owners.get(name) === scan),
      )
    expect(names('/d/bert/brain.nii')).toEqual(['brain'])
    expect(names('/d/ernie/brain.nii')).toEqual(['ernie_brain'])
    owners.delete('brain')
    owners.set('ernie_brain', '/d/ernie/brain.nii')
    expect(names('/d/ernie/brain.nii')).toEqual(['ernie_brain'])
  })

  it('refuses what no folder tells apart', () => {
    expect(() => distinctNames(['/d/a.nii', '/d/a.nii.gz'])).toThrow(
      '/d/a.nii and /d/a.nii.gz would both be written as a; rename one or use two folders',
    )
    expect(() => distinctNames(['/d/a.nii'], () => true)).toThrow(
      /\/d\/a\.nii would be written as a, which is/,
    )
  })
})
