import { expect, it } from 'vitest'
import { readDataSet } from '../../examples/web/src/data-set.js'
import type { ChosenFiles } from '../../examples/web/src/protocol.js'
import { makeNifti } from '../browser/page-files.js'

const file = (name: string, value: (i: number) => number) =>
  new File([new Uint8Array(makeNifti(value))], name)

const advice =
  'open a table of its classes with it, or say under "Choose data in detail" that labels are numbered from 0'

it.each([
  ['the codes of another atlas', (i: number) => Math.floor(i / 100) % 117],
  ['classes', (i: number) => Math.floor(i / 100) % 14],
])('names controls of the page to whoever opens a map of %s', async (_, label) => {
  const files: ChosenFiles = {
    scans: [file('scan.nii', (i) => i + 0.5)],
    grouping: 'people',
    prior: file('map.nii', label),
    truths: [],
    table: undefined,
    meaning: 'freesurfer',
    blur: 4,
  }
  const refusal = await readDataSet(files).catch((error: unknown) => String(error))
  expect(refusal).toContain(`; ${advice}`)
  expect(refusal).not.toContain('--')
})
