import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readTrainingScans } from '../../../src/cli/inputs/inputs.js'
import { matchRun } from '../../../src/cli/grids/match-run.js'
import { readPrior } from '../../../src/cli/prior/prior-file.js'
import { ReadCache } from '../../../src/cli/inputs/read-cache.js'
import { Terminal } from '../../../src/cli/terminal.js'
import { loadBatch } from '../../../src/sae/training/batches.js'
import { phantomTable } from '../../../src/sae/phantom/phantom.js'
import { grid, makeStudy, shape, type Study } from '../support.js'

const K = phantomTable.classes.length
const voxels = shape[0] * shape[1] * shape[2]
let study: Study

beforeAll(async () => {
  study = await makeStudy()
  await study.write('prior.nii.gz', new Float32Array(K * voxels).fill(1 / K), 'float32', grid, K)
})
afterAll(() => {
  study.remove()
})

async function scansKept(bytes: number) {
  const terminal = new Terminal('silent')
  const prior = await readPrior(study.path('prior.nii.gz'), terminal)
  const cache = new ReadCache(bytes)
  const { scans, labels } = study
  const grids = await matchRun(
    { prior: study.path('prior.nii.gz'), scans, labels },
    1,
    { matchByIndex: false, resample: false },
    terminal,
  )
  return readTrainingScans(scans, labels, prior, phantomTable, grids, 'robust', terminal, cache)
}

it('scans that are not kept are read again, to the same numbers', async () => {
  const kept = await scansKept(1e9)
  const first = await scansKept(5 * voxels)
  const none = await scansKept(0)
  const expected = await loadBatch(kept.scans)
  expect(expected.data).toHaveLength(2 * voxels)
  expect(expected.data.some((value) => value > 0)).toBe(true)
  expect(await loadBatch(none.scans)).toEqual(expected)
  expect(await loadBatch(first.scans)).toEqual(expected)

  // What is kept needs no file.
  for (const file of [...study.scans, ...study.labels]) rmSync(file)
  expect(await loadBatch(kept.scans)).toEqual(expected)
  expect((await loadBatch(first.scans.slice(0, 1))).data).toEqual(expected.data.subarray(0, voxels))
  await expect(loadBatch(first.scans.slice(1))).rejects.toThrow(/b\.nii: .*no such file/)
  await expect(loadBatch(none.scans)).rejects.toThrow(/a\.nii\.gz: .*no such file/)
})

it('a cache keeps what fits, first come', async () => {
  const cache = new ReadCache(10)
  let reads = 0
  const read = (bytes: number) => () => {
    reads++
    return Promise.resolve(new Uint8Array(bytes))
  }
  for (let i = 0; i < 3; i++) {
    expect(await cache.get('a', read(6))).toHaveLength(6)
    expect(await cache.get('b', read(5))).toHaveLength(5)
    expect(await cache.get('c', read(4))).toHaveLength(4)
  }
  expect(reads).toBe(5)
})
