/** Which files belong together by their names. */
import { describe, expect, it } from 'vitest'
import { describeUnpaired, pairByName } from '../../../src/cli/cohort/name-pairs.js'

const pair = (first: string[], second: string[]) =>
  pairByName(first, second, { ending: /_(dseg|labels)$/, bySession: false })
const namesOf = (first: string[], second: string[]): string[] =>
  pair(first, second).pairs.map(({ first, second, name }) => `${first} ${second} ${name}`)

describe('files are partners', () => {
  it('by equal stems, in the order of the first list', () => {
    expect(namesOf(['s/b_dseg.nii.gz', 's/a_dseg.nii'], ['t/a.mgz', 't/b_labels.npz'])).toEqual([
      's/b_dseg.nii.gz t/b_labels.npz b',
      's/a_dseg.nii t/a.mgz a',
    ])
  })

  it('by the names of their folders, where file names are all the same', () => {
    expect(
      namesOf(['o/bert_dseg.nii', 'o/anna_dseg.nii'], ['f/anna/mri/labels.mgz', 'f/bert/mri/labels.mgz']),
    ).toEqual(['o/bert_dseg.nii f/bert/mri/labels.mgz bert', 'o/anna_dseg.nii f/anna/mri/labels.mgz anna'])
  })

  it('by participant, session and what else tells scans apart', () => {
    const first = [
      'sub-01_ses-1_run-1_seg-sae',
      'sub-01_ses-1_run-2_seg-sae',
      'sub-02_ses-1_T1w',
      'sub-03_desc-x',
    ]
    const second = ['sub-02_ses-1', 'sub-01_ses-1_run-2_desc-manual', 'sub-01_ses-1_run-1', 'sub-03_ses-1']
    const files = (folder: string, names: string[]) => names.map((name) => `${folder}/${name}_dseg.nii.gz`)
    const { pairs, unpaired } = pair(files('a', first), files('b', second))
    expect(pairs.map(({ name }) => name)).toEqual([
      'sub-01_ses-1_run-1',
      'sub-01_ses-1_run-2_desc-manual',
      'sub-02_ses-1',
    ])
    // Another session is another scan.
    expect(unpaired).toEqual({
      first: [{ file: 'a/sub-03_desc-x_dseg.nii.gz', candidates: [] }],
      second: [{ file: 'b/sub-03_ses-1_dseg.nii.gz', candidates: [] }],
    })
  })

  it('unless there are two that could be', () => {
    const { pairs, unpaired } = pair(['a/sub-1_T1w_dseg.nii', 'a/sub-1_T2w_dseg.nii'], ['b/sub-1_dseg.nii'])
    expect(pairs).toEqual([])
    expect(describeUnpaired(unpaired.second)).toBe(
      'b/sub-1_dseg.nii (fits a/sub-1_T1w_dseg.nii, a/sub-1_T2w_dseg.nii)',
    )
    expect(unpaired.first).toHaveLength(2)
    const twice = pair(['a/x_dseg.nii', 'a/x_labels.nii', 'a/y.nii'], ['b/x.nii', 'b/y.nii'])
    expect(twice.pairs.map(({ name }) => name)).toEqual(['y'])
  })
})
