import { expect, it } from 'vitest'
import { namedBy, type DataSet } from '../../examples/web/src/data-set.js'
import { identityTable } from '../../src/sae/labels/label-table.js'

const tableOf = (name: string, code: number) => ({
  classes: [
    { name: `no ${name}`, abbreviation: 'no', codes: [0] },
    { name, abbreviation: name.slice(0, 2), codes: [code] },
  ],
})

it('takes the names of classes from the weights that are loaded last, if no file of the data has them', () => {
  const prior = { data: new Float32Array(2), classes: 2, shape: [1, 1, 1] as const }
  const data: DataSet = {
    id: '',
    description: '',
    scans: [],
    knowledge: { prior, table: identityTable(2), guessed: true },
    notes: [],
  }
  const first = namedBy(data, tableOf('lesion', 9))
  expect(first.knowledge!.table).toEqual(tableOf('lesion', 9))
  expect(namedBy(first, tableOf('tumour', 5)).knowledge!.table).toEqual(tableOf('tumour', 5))
})
