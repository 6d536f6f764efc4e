import { expect, it } from 'vitest'
import { formatDsegTable, parseDsegTable } from '../../../src/cli/tables/dseg-table.js'
import { parseLabelTable } from '../../../src/sae/labels/label-table-file.js'
import { freeSurferTable } from '../../../src/sae/labels/freesurfer-table.js'
import { sidesOf } from '../../../src/sae/labels/label-sides.js'

it.each([
  ['codes', true],
  ['codes', false],
  ['classes', false],
] as const)('a table of %s (sides apart: %s) reads back, also as --classes', (values, sided) => {
  const text = formatDsegTable(freeSurferTable, values, sided)
  const back = parseDsegTable(text, 'a_dseg.tsv')!
  expect(back.values).toBe(values)
  const plain = back.table.classes.map(({ name, abbreviation, codes, ranges }) => {
    return { name, abbreviation, codes, ...(ranges ? { ranges } : {}) }
  })
  expect({ classes: plain, rest: back.table.rest }).toEqual(freeSurferTable)
  expect(back.table.classes.map(sidesOf)).toEqual(freeSurferTable.classes.map(sidesOf))
  expect(parseLabelTable(text)).toEqual(back.table)
})

it('a table of an older version, and one of another program', () => {
  const older =
    'index\tname\tabbreviation\tcolor\tcodes\n0\tair\tair\t#000000\t0\n3\tcortex\tctx\t#33ff66\t3,42\n'
  expect(parseDsegTable(older, 'a.tsv')).toMatchObject({
    values: 'codes',
    table: { classes: [{ name: 'air' }, { codes: [3, 42] }] },
  })
  expect(parseDsegTable('index\tname\n1\tgrey\n', 'a.tsv')).toBeUndefined()
})
