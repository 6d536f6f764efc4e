/** Tables of one row per scan, and the rule for files that runs bring up to date. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Outputs } from '../../../src/cli/outputs/output-files.js'
import { volumeRow } from '../../../src/cli/tables/scan-rows.js'
import { putRow } from '../../../src/cli/tables/scan-tables.js'
import { unknownGrid } from '../../../src/io/volume.js'
import { entropyOf } from '../../../src/sae/metrics/entropy.js'

let folder: string
const table = (): string => join(folder, 'qc.csv')

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sae-tables-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

describe('putRow', () => {
  it('replaces the row of a scan, keeps the others and takes new columns', async () => {
    await putRow(table(), { scan: 'a', verdict: 'sound', dice: 0.5 })
    await putRow(table(), { scan: 'b,"2"', verdict: 'doubtful', dice: undefined })
    await putRow(table(), { scan: 'a', verdict: 'collapsed', entropy: 0.25 })
    expect(readFileSync(table(), 'utf8')).toBe(
      'scan,verdict,dice,entropy\na,collapsed,,0.25\n"b,""2""",doubtful,,\n',
    )
  })

  it('needs no leave to replace what sae wrote, and gets none for what somebody changed', async () => {
    const outputs = () =>
      Outputs.inFolder(folder, { files: [], renewed: [table()], inputs: [], overwrite: false })
    await outputs().requireFree()
    await putRow(table(), { scan: 'a' })
    await outputs().requireFree()
    writeFileSync(table(), 'scan,grade\na,by hand\n')
    await expect(outputs().requireFree()).rejects.toThrow(/qc\.csv: is there, and not as sae wrote it/)
  })
})

describe('volumeRow', () => {
  const classes = [
    { name: 'background', abbreviation: 'bg', codes: [0] },
    { name: 'cerebral cortex', abbreviation: 'ctx', codes: [3, 42] },
    { name: 'same', abbreviation: 'x', codes: [5] },
    { name: 'same', abbreviation: 'y', codes: [6] },
  ]
  const measured = {
    classes: Uint8Array.of(0, 1, 1, 1),
    labels: Float64Array.of(0, 3, 42, 42),
    posterior: Float32Array.of(1, 0.5, 0, 0, 0, 0.5, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0),
  }

  it('is in cubic millimetres, by side and by the posterior too', () => {
    const grid = { ...unknownGrid([1, 2, 2]), known: true }
    grid.affine = [
      [0, 0, 3, 0],
      [-1, 0, 0, 0],
      [0, 2, 0, 0],
      [0, 0, 0, 1],
    ]
    expect(volumeRow(measured, { classes }, grid)).toEqual({
      ...{ background_mm3: 6, cerebral_cortex_mm3: 18, same_2_mm3: 0, same_3_mm3: 0 },
      ...{ left_cerebral_cortex_mm3: 6, right_cerebral_cortex_mm3: 12 },
      ...{ background_posterior_mm3: 9, cerebral_cortex_posterior_mm3: 15 },
      ...{ same_2_posterior_mm3: 0, same_3_posterior_mm3: 0 },
    })
  })

  it('counts voxels if the scan does not say their size', () => {
    const only = { ...measured, labels: undefined, posterior: undefined }
    expect(volumeRow(only, { classes }, unknownGrid([1, 2, 2]))).toMatchObject({ cerebral_cortex_voxels: 3 })
  })
})

it('the entropy of a voxel is 0 if it is certain, and log K at most', () => {
  const entropy = entropyOf(Float32Array.of(1, 0.25, 0, 0.25, 0, 0.25, 0, 0.25), 4)
  expect(entropy[0]).toBe(0)
  expect(entropy[1]).toBeCloseTo(Math.log(4), 6)
})
