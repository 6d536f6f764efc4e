import { describe, expect, it } from 'vitest'
import { describeRoles, groupingOf, rolesOf } from '../../examples/web/src/roles.js'
import type { FileKind, SortedFile } from '../../examples/web/src/protocol.js'

const file = (name: string, kind: FileKind): SortedFile => ({ name, kind })
const nothing = { people: 0, prior: false }
const none = {
  scans: [],
  grouping: 'people',
  prior: undefined,
  truths: [],
  table: undefined,
  weights: undefined,
}

describe('the roles of dropped files', () => {
  it('takes a label map beside a scan for another person, whatever it is called', () => {
    const files = [file('labels.nii', 'labels'), file('scan.nii', 'scan')]
    expect(rolesOf(files, nothing)).toEqual({ ...none, scans: [1], prior: 0 })
    expect(rolesOf([file('a_dseg.nii', 'labels'), files[1]!], nothing)).toEqual({
      ...none,
      scans: [1],
      prior: 0,
    })
  })

  it('takes maps for references if there is a prior and one for each scan', () => {
    const files = [
      file('atlas.nii', 'prior'),
      file('a.nii', 'scan'),
      file('b.nii', 'scan'),
      file('a_aseg.nii', 'labels'),
      file('b_aseg.nii', 'labels'),
    ]
    expect(rolesOf(files, nothing)).toEqual({ ...none, scans: [1, 2], prior: 0, truths: [3, 4] })
    expect(rolesOf(files.slice(3), { people: 2, prior: true })).toEqual({ ...none, truths: [0, 1] })
  })

  it('tells a reference from another person by its name', () => {
    const files = [
      file('other.nii', 'labels'),
      file('scan.nii', 'scan'),
      file('scan_dseg.nii', 'labels'),
      file('best.safetensors', 'weights'),
      file('classes.json', 'table'),
    ]
    const roles = rolesOf(files, nothing)
    expect(roles).toEqual({ ...none, scans: [1], prior: 0, truths: [2], table: 4, weights: 3 })
    expect(describeRoles(files, roles)).toBe(
      "Took scan.nii as a scan; other.nii as another person's label map, to make a prior from; scan_dseg.nii as the reference; classes.json as the table of classes; best.safetensors as weights.",
    )
  })

  it('takes scans whose names differ in the contrast alone for one person', () => {
    const files = [
      file('sub-01_T1w.nii.gz', 'scan'),
      file('sub-01_T2w.nii.gz', 'scan'),
      file('prior.nii', 'prior'),
      file('sub-01_dseg.nii', 'labels'),
    ]
    const roles = rolesOf(files, nothing)
    expect(roles).toEqual({ ...none, scans: [0, 1], grouping: 'contrasts', prior: 2, truths: [3] })
    expect(describeRoles(files, roles)).toBe(
      'Took 2 contrasts of one person; prior.nii as the prior; sub-01_dseg.nii as the reference.',
    )
    const grouping = (...names: string[]): string => groupingOf(names)
    expect(grouping('t1.nii', 't2.nii', 'flair.mgz')).toBe('people')
    expect(grouping('t1.nii', 't2.nii', 'flair.nii')).toBe('contrasts')
    expect(grouping('a.nii', 'b.nii')).toBe('people')
    expect(grouping('a_T1w.nii', 'b_T2w.nii')).toBe('people')
    expect(grouping('a_T1w.nii', 'a_T1w.nii')).toBe('people')
    expect(grouping('a_T1w.nii')).toBe('people')
  })

  it('drops references that are not one for each scan', () => {
    const files = [
      file('a.nii', 'scan'),
      file('b.nii', 'scan'),
      file('truth.nii', 'labels'),
      file('p', 'prior'),
    ]
    expect(rolesOf(files, nothing).truths).toEqual([])
  })
})
