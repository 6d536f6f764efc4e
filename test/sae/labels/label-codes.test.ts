import { describe, expect, it } from 'vitest'
import { classify, toClasses } from '../../../src/sae/labels/label-codes.js'
import { toSidedCodes } from '../../../src/sae/labels/label-sides.js'
import { freeSurferTable } from '../../../src/sae/labels/freesurfer-table.js'
import { foregroundClasses, type LabelTable } from '../../../src/sae/labels/label-table.js'
import { userError } from '../../io/support.js'

const classNamed = (name: string): number => freeSurferTable.classes.findIndex((entry) => entry.name === name)

describe('codes of FreeSurfer and its kin', () => {
  it.each([
    ['aparc+aseg, SynthSeg, FastSurfer', [1000, 1003, 1035, 2002, 2035], 'cerebral cortex'],
    ['aparc.a2009s+aseg', [11100, 11175, 12101, 12175], 'cerebral cortex'],
    ['wmparc', [3001, 4035, 5001, 5002, 13101, 14175], 'cerebral white matter'],
    ['the lobules of FastSurfer', [601, 628, 632], 'cerebellum cortex'],
    ['structures beside the regions', [5, 14, 24, 26, 28, 44, 58, 60, 72, 77, 85, 251, 255, 530], 'other'],
  ])('%s', (_, codes, name) => {
    const { classes, unlisted } = classify(codes, freeSurferTable)
    expect([...classes]).toEqual(codes.map(() => classNamed(name)))
    expect(unlisted).toEqual([])
  })

  it('counts the voxels of each class and names what only the rest takes', () => {
    const labels = [0, 0, 3, 42, 1007, 7777, 2, 7777, 41, 9]
    const { voxels, unlisted } = classify(labels, freeSurferTable)
    expect(voxels[0]).toBe(2)
    expect(voxels[classNamed('cerebral cortex')]).toBe(3)
    expect(voxels[classNamed('cerebral white matter')]).toBe(2)
    expect(voxels[classNamed('other')]).toBe(3)
    expect(unlisted).toEqual([
      { code: 7777, voxels: 2 },
      { code: 9, voxels: 1 },
    ])
  })

  it('refuses what is no map of them', () => {
    const counting = (count: number, step: number) => Array.from({ length: count }, (_, i) => 1 + step * i)
    const aal = counting(116, 1)
    const scan = Array.from({ length: 1000 }, (_, i) => (i * 37) % 256)
    for (const labels of [aal, scan, [2, 3, 777, 777, 777]]) {
      expect(userError(() => toClasses(labels, freeSurferTable, 'map.nii'))).toMatch(
        /^map\.nii: does not look like FreeSurfer labels: \d+ of its \d+ codes, \d+ % .*; give the table of its labels$/,
      )
    }
    expect(userError(() => toClasses([0, 0.5, 0.25], freeSurferTable, 't1.nii'))).toMatch(
      /^t1\.nii: voxel 1 has the value 0\.5, .* is this a label map\?$/,
    )
  })
})

describe('classes in place of codes', () => {
  const order = freeSurferTable.classes.map((_, c) => c)

  it('are refused, with what to do', () => {
    for (const labels of [order, [0, 0, 1, 2, 3, 4, 5], [2, 3, 2, 3, 9]]) {
      expect(userError(() => toClasses(labels, freeSurferTable, 'moved.nii'))).toMatch(
        /^moved\.nii: holds labels up to \d+, and FreeSurfer has no code [169, ]+: it seems to hold classes; give the table of its labels$/,
      )
    }
  })

  it('are not seen in few codes, nor in codes that FreeSurfer lacks beside larger ones', () => {
    expect([...toClasses([0, 2, 3, 4], freeSurferTable)]).toEqual([0, 8, 4, 10])
    expect([...toClasses([2, 41, 3, 42, 9], freeSurferTable)]).toEqual([8, 8, 4, 4, 13])
  })
})

describe('codes in no class', () => {
  const table: LabelTable = {
    classes: [
      { name: 'air', abbreviation: 'air', codes: [0] },
      { name: 'isocortex', abbreviation: 'iso', codes: [614454277], ranges: [[4294967290, 4294967295]] },
    ],
  }

  it('are refused with their counts', () => {
    expect(userError(() => toClasses([0, 5, 7, 5], table, 'a.nii'))).toBe(
      'a.nii: labels 5 (2 voxels), 7 (1 voxel) are in no class of the label table; add them or name a rest class',
    )
  })

  it('are told from those next to them, however large', () => {
    expect([...toClasses([0, 614454277, 4294967295], table)]).toEqual([0, 1, 1])
    expect(userError(() => toClasses([614454276], table, 'a.nii'))).toMatch(/label 614454276 \(1 voxel\)/)
    expect(userError(() => toClasses([2 ** 53], table, 'a.nii'))).toMatch(/below 2\^53/)
  })
})

describe('toSidedCodes', () => {
  // One row of six voxels from right to left, as a radiologist's image has it.
  const affine = (origin: number) => [
    [-2, 0, 0, origin],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
  ]
  const cortex = classNamed('cerebral cortex')
  const stem = classNamed('brain-stem')
  const row = Uint8Array.of(cortex, cortex, stem, stem, cortex, 0)

  it('gives each side its code by the affine, x = 0 being right', () => {
    const { codes, x } = toSidedCodes(Uint8Array.of(3, 3, 3, 3), freeSurferTable, [4, 1, 1], affine(4))
    // x = 4, 2, 0, -2: a quarter of the voxels on the left do not halve the brain.
    expect(x).toBe(1)
    expect([...codes]).toEqual([50, 50, 11, 11])
    const halved = toSidedCodes(Uint8Array.of(3, 3, 3, 3), freeSurferTable, [4, 1, 1], affine(3))
    expect(halved.x).toBe(0)
    expect([...halved.codes]).toEqual([50, 50, 11, 11])
  })

  it('moves the plane where the origin lies elsewhere, and keeps what has one code', () => {
    const { codes, x, left } = toSidedCodes(row, freeSurferTable, [6, 1, 1], affine(100))
    expect(x).toBeCloseTo(96, 9)
    expect(left).toBe(0)
    expect([...codes]).toEqual([42, 42, 16, 16, 3, 0])
  })

  it('reads back as the same classes', () => {
    const classes = Uint8Array.from({ length: 14 * 4 }, (_, i) => i % 14)
    const { codes } = toSidedCodes(classes, freeSurferTable, [4, 7, 2], affine(3))
    expect(toClasses(codes, freeSurferTable)).toEqual(classes)
    for (const c of foregroundClasses(freeSurferTable)) {
      const written = new Set(codes.filter((_, i) => classes[i] === c))
      expect([...written].sort((a, b) => a - b)).toEqual(freeSurferTable.classes[c]!.codes)
    }
  })

  it('splits no two codes that are no sides', () => {
    const table: LabelTable = {
      classes: [
        { name: 'air', abbreviation: 'air', codes: [0] },
        { name: 'ventricle', abbreviation: 'v', codes: [4, 5] },
        { name: 'nucleus', abbreviation: 'n', codes: [7, 8, 9], sides: [9, 8] },
      ],
    }
    const { codes } = toSidedCodes(Uint8Array.of(1, 2, 2, 1), table, [4, 1, 1], affine(3))
    expect([...codes]).toEqual([4, 8, 9, 4])
  })
})
