import { describe, expect, it } from 'vitest'
import { parseJsonTable } from '../../../src/sae/labels/label-table-json.js'
import { parseLabelTable } from '../../../src/sae/labels/label-table-file.js'
import { freeSurferTable } from '../../../src/sae/labels/freesurfer-table.js'
import { toClasses, toCodes } from '../../../src/sae/labels/label-codes.js'
import { checkLabelTable, foregroundClasses, identityTable } from '../../../src/sae/labels/label-table.js'
import { userError } from '../../io/support.js'

describe('freeSurferTable', () => {
  it('maps both sides of a region to one class and every other label to the last', () => {
    const labels = Float32Array.of(0, 13, 52, 54, 11, 42, 17, 10, 51, 2, 41, 8, 43, 46, 16, 24, 255, 77)
    expect([...toClasses(labels, freeSurferTable)]).toEqual([
      0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 10, 11, 12, 13, 13, 13,
    ])
    expect(checkLabelTable(freeSurferTable, 'FreeSurfer')).toBe(freeSurferTable)
    expect(foregroundClasses(freeSurferTable)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  })

  it('writes each class as its first code, which reads back as the same class', () => {
    const classes = Uint8Array.from({ length: 14 }, (_, c) => c)
    const codes = toCodes(classes, freeSurferTable)
    expect([...codes]).toEqual([0, 13, 18, 11, 3, 17, 10, 12, 2, 8, 4, 7, 16, 29])
    expect(toClasses(Float32Array.from(codes), freeSurferTable)).toEqual(classes)
  })
})

describe('identityTable', () => {
  it('keeps classes as they are and refuses a label beyond them', () => {
    const table = identityTable(64)
    expect([...toClasses(Float32Array.of(0, 63, 7), table)]).toEqual([0, 63, 7])
    expect([...toCodes(Uint8Array.of(63, 0), table)]).toEqual([63, 0])
    expect(foregroundClasses(identityTable(3))).toEqual([1, 2])
    expect(userError(() => toClasses(Float32Array.of(0, 64), table, 'a.nii'))).toMatch(
      /^a\.nii: label 64 \(1 voxel\) is in no class/,
    )
  })

  it.each([0, 1, 65])('refuses %i classes', (count) => {
    expect(userError(() => identityTable(count))).toContain(`${count} classes`)
  })
})

describe('toClasses', () => {
  it.each([1.5, -1, NaN, Infinity])('refuses the label %d', (label) => {
    const message = userError(() => toClasses(Float32Array.of(0, 0, label), freeSurferTable, 'labels.nii'))
    expect(message).toMatch(/^labels\.nii: voxel 2 has the value /)
  })

  it('refuses a class without a code', () => {
    expect(userError(() => toCodes(Uint8Array.of(0, 5), identityTable(4)))).toContain('class 5')
  })
})

describe('parseLabelTable', () => {
  const json =
    '{"classes": [{"name": "air", "codes": [0]}, {"name": "cortex", "abbreviation": "ctx", "codes": [3, 42]}]}'
  const tsv =
    'index\tname\tabbreviation\tcodes\r\n0\tair\t\t0\r\n1\tcortex\tctx\t3, 42\r\n2\tother\toth\t99 *\r\n'

  it('reads JSON', () => {
    expect(parseLabelTable(json)).toEqual({
      classes: [
        { name: 'air', abbreviation: 'air', codes: [0] },
        { name: 'cortex', abbreviation: 'ctx', codes: [3, 42] },
      ],
    })
    expect(parseLabelTable(json.replace(/}$/, ', "rest": 1}')).rest).toBe(1)
  })

  it('reads TSV', () => {
    expect(parseLabelTable(tsv)).toEqual({
      classes: [
        { name: 'air', abbreviation: 'air', codes: [0] },
        { name: 'cortex', abbreviation: 'ctx', codes: [3, 42] },
        { name: 'other', abbreviation: 'oth', codes: [99] },
      ],
      rest: 2,
    })
  })

  it.each([
    ['broken JSON', '{"classes": [', /not valid JSON/],
    ['JSON without classes', '{"labels": []}', /"classes" must be a list/],
    ['a JSON list', '[]', /"classes" must be a list/],
    ['a class without a name', '{"classes": [{"codes": [0]}, null]}', /class 0 must be like/],
    ['a code that is text', '{"classes": [{"name": "a", "codes": ["0"]}]}', /class 0: "0" is not a code/],
    ['a rest that is no class', json.replace(/}$/, ', "rest": 2}'), /rest is class 2/],
    ['a rest that is text', json.replace(/}$/, ', "rest": "other"}'), /"rest" must be/],
    ['one class', '{"classes": [{"name": "a", "codes": [0]}]}', /has 1 classes/],
    ['a code in two classes', json.replace('[0]', '[42]'), /code 42 is in class 0 and in class 1/],
    ['a class without codes', json.replace('[0]', '[]'), /class 0 \(air\) has no codes/],
    ['a missing column', tsv.replace('codes', 'code'), /no column "codes"/],
    ['a skipped index', tsv.replace('\n1\t', '\n3\t'), /line 3: index "3", but 1 comes next/],
    ['a negative code', tsv.replace('42', '-42'), /line 3: -42 is not a code/],
    ['two rests', tsv.replace('42', '*'), /line 4: a second class with "\*"/],
    ['an empty file', '', /no column "index"/],
  ])('refuses %s', (_, text, message) => {
    expect(userError(() => parseLabelTable(text, 'table'))).toMatch(message)
    expect(userError(() => parseLabelTable(text, 'table'))).toMatch(/^table: /)
  })
})

describe('a table in the metadata of a checkpoint', () => {
  it.each(['null', '3', '"a"', '[]', '{}'])('is refused if it is %s', (text) => {
    expect(userError(() => parseJsonTable(text, 'weights'))).toMatch(/^weights: "classes" must be a list/)
  })
})

describe('tables of other programs', () => {
  const names = (text: string): string[] =>
    parseLabelTable(text, 'table').classes.map(({ name, codes }) => `${codes.join()} ${name}`)

  it('reads a BIDS table, its values being the codes', () => {
    const bids =
      'index\tname\tabbreviation\tmapping\n17\tLeft Hippocampus\tL-hip\t9\n53\tRight Hippocampus\tR-hip\t9\n'
    expect(parseLabelTable(bids)).toEqual({
      classes: [
        { name: 'background', abbreviation: 'bg', codes: [0] },
        { name: 'Left Hippocampus', abbreviation: 'L-hip', codes: [17] },
        { name: 'Right Hippocampus', abbreviation: 'R-hip', codes: [53] },
      ],
    })
    expect(names('index\tname\n2\tWM\n0\tAir\n')).toEqual(['0 Air', '2 WM'])
    expect(userError(() => parseLabelTable('index\tname\n1.5\tx\n', 'table'))).toMatch(
      /line 2: 1\.5 is not a code/,
    )
  })

  it("reads FreeSurfer's and FSL's colour tables", () => {
    const freeSurfer =
      '#$Id$\n0   Unknown            0   0   0   0\n\n4   Left-Lateral-Ventricle  120 18 134 0\n'
    expect(names(freeSurfer)).toEqual(['0 Unknown', '4 Left-Lateral-Ventricle'])
    expect(names('1 0.5 0.25 1.0 Grey matter\n2 1 1 1 White matter\n')).toEqual([
      '0 background',
      '1 Grey matter',
      '2 White matter',
    ])
  })

  it("reads FSL's XML", () => {
    const labels =
      '<label index="0" x="9" y="8" z="7">Caudate &amp; tail</label>\n<label index="1">Putamen</label>'
    expect(
      names(`<?xml version="1.0"?><atlas><type>Probabilistic</type><data>${labels}</data></atlas>`),
    ).toEqual(['0 background', '1 Caudate & tail', '2 Putamen'])
    expect(names(`<atlas><type>Label</type>${labels}</atlas>`)).toEqual(['0 Caudate & tail', '1 Putamen'])
    expect(userError(() => parseLabelTable('<atlas/>', 'a.xml'))).toMatch(/^a\.xml: names no label/)
  })

  it.each([
    ['a long line', `1 a${' '.repeat(1e6)}x`],
    ['a label that does not end', `<${'label index="1" '.repeat(1e5)}`],
    ['labels within labels', '<label '.repeat(2e5)],
  ])('refuses %s at once', (_, text) => {
    const start = performance.now()
    expect(userError(() => parseLabelTable(text, 'table'))).toMatch(/^table: /)
    expect(performance.now() - start).toBeLessThan(2000)
  })

  it('reads ranges and sides, in JSON and TSV', () => {
    const json = {
      classes: [
        { name: 'air', codes: [0] },
        { name: 'cortex', codes: [3, 42, '1000-1035'], sides: [3, 42] },
        { name: 'parcels', codes: ['7-9'] },
      ],
    }
    const { classes } = parseLabelTable(JSON.stringify(json))
    expect(classes[1]).toMatchObject({ codes: [3, 42], ranges: [[1000, 1035]], sides: [3, 42] })
    expect(classes[2]).toMatchObject({ codes: [7], ranges: [[7, 9]] })
    expect(parseLabelTable(JSON.stringify({ classes }))).toEqual({ classes })
    const tsv = 'index\tname\tcodes\n0\tair\t0\n1\tcortex\t3,1000-1035\n'
    expect(parseLabelTable(tsv).classes[1]).toMatchObject({ codes: [3], ranges: [[1000, 1035]] })
  })

  it.each([
    ['a range that ends before it begins', [5], [[9, 7]], /class 1 \(a\) has the range 9-7/],
    ['a range over the code of another class', [5], [[0, 3]], /code 0 is in class 0 and in class 1/],
    ['a side that is no code', [5, 6], [], /class 1 \(a\) has the side 7, which is none of its codes/],
  ])('refuses %s', (what, codes, ranges, message) => {
    const sides = what.includes('side') ? { sides: [5, 7] } : {}
    const table = {
      classes: [
        { name: 'air', codes: [0] },
        { name: 'a', codes, ranges, ...sides },
      ],
    }
    expect(userError(() => parseLabelTable(JSON.stringify(table), 'table'))).toMatch(message)
  })
})
