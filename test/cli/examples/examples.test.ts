/** Examples of a run: which epochs they are of, which voxels, and what is believed of a file. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { decodeExamples, encodeExamples } from '../../../src/cli/examples/example-file.js'
import { examplePlanes, gridOfRun, planeOf } from '../../../src/cli/examples/example-planes.js'
import { readExamples, RunExamples, spacingAt } from '../../../src/cli/examples/run-examples.js'
import { voxelSize } from '../../../src/io/volume.js'
import type { TrainingScan } from '../../../src/sae/training/batches.js'
import { identityTable } from '../../../src/sae/labels/label-table.js'

const folder = mkdtempSync(join(tmpdir(), 'sae-examples-'))
const file = join(folder, 'train-examples.json')
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const shape: [number, number, number] = [4, 5, 6]
/** RAS, voxels of 1 x 2 x 3 mm. */
const grid = {
  shape,
  affine: [
    [1, 0, 0, 0],
    [0, 2, 0, 0],
    [0, 0, 3, 0],
    [0, 0, 0, 1],
  ],
  known: true,
}
/** Bright in one voxel. */
const scanWith = (name: string, d: number, h: number, w: number): TrainingScan => {
  const data = new Float32Array(120)
  data[(d * 5 + h) * 6 + w] = 1
  return { name, data }
}
const scans = [scanWith('a', 1, 2, 3), scanWith('b', 3, 0, 5)]
const inPlace = { orientation: undefined, every: 1, start: [0, 0, 0] } as const
const onGrid = [inPlace, inPlace, inPlace]
const grids = {
  ...{ priorEvery: 1, scans: onGrid, channels: onGrid.map((one) => [one]), scanGrids: [grid, grid, grid] },
  ...{ resampled: undefined, labels: undefined, volume: undefined },
}
const run = { scans, settings: { batchSize: 1, seed: 0 }, planned: 1, table: identityTable(3), grid, grids }

/** Runs some epochs, each a step; the classes are the epoch's number modulo 3. */
function epochs(examples: RunExamples, first: number, last: number): void {
  for (let epoch = first; epoch <= last; epoch++)
    if (examples.watch.wants(epoch))
      examples.watch.seen({ epoch, step: epoch, lastOfEpoch: true }, new Uint8Array(120).fill(epoch % 3))
}
const epochsIn = async (): Promise<number[]> => (await readExamples(file))!.examples.map(({ epoch }) => epoch)

describe('spacingAt', () => {
  it('lets at most 12 epochs have an example, at least 6 of many, and always the first', () => {
    for (let last = 1; last < 3000; last++) {
      const spacing = spacingAt(last, 1)
      expect(spacingAt(1, last)).toBe(spacing)
      const count = Math.floor((last - 1) / spacing) + 1
      expect(count).toBeLessThanOrEqual(12)
      expect(count).toBeGreaterThanOrEqual(Math.min(last, 6))
    }
    expect([1, 12, 13, 24, 25].map((epoch) => spacingAt(epoch, 1))).toEqual([1, 1, 2, 2, 4])
  })
})

describe('RunExamples', () => {
  it('keeps planes of the scan of the first step through what is bright there', async () => {
    const examples = await RunExamples.open(file, run, undefined)
    expect(examples.watch.scan).toBe(scans[examples.index])
    const classes = Uint8Array.from({ length: 120 }, (_, i) => i)
    examples.watch.seen({ epoch: 1, step: 1, lastOfEpoch: true }, classes)
    examples.end(classes, '/anywhere/best.safetensors')
    await examples.save()
    const { planes, examples: kept, scan } = (await readExamples(file))!
    const [d, h, w] = examples.index === 0 ? [1, 2, 3] : [3, 0, 5]
    expect(scan).toBe(examples.index === 0 ? 'a' : 'b')
    expect(planes.map(({ plane, depth }) => [plane, depth])).toEqual([
      ['axial', w],
      ['coronal', h],
      ['sagittal', d],
    ])
    expect(planes.map((plane) => plane.grid.shape)).toEqual([
      [4, 5, 1],
      [4, 1, 6],
      [1, 5, 6],
    ])
    for (const plane of planes) expect(plane.scan.reduce((sum, value) => sum + value)).toBe(255)
    expect([...kept[0]!.labels[0]!]).toEqual(Array.from({ length: 20 }, (_, i) => 6 * i + w))
    expect([...kept[0]!.labels[2]!]).toEqual(Array.from({ length: 30 }, (_, i) => 30 * d + i))
    expect(kept.map(({ weights }) => weights)).toEqual([undefined, 'best.safetensors'])
  })

  it('thins out as the run goes on, and goes on from a file as if it had not stopped', async () => {
    const whole = await RunExamples.open(file, run, undefined)
    epochs(whole, 1, 30)
    await whole.save()
    const expected = readFileSync(file)
    expect(await epochsIn()).toEqual([1, 5, 9, 13, 17, 21, 25, 29])

    const first = await RunExamples.open(file, run, undefined)
    epochs(first, 1, 26)
    first.end(new Uint8Array(120), 'best.safetensors')
    await first.save()
    // Its last checkpoint is older than its last example.
    const second = await RunExamples.open(file, run, 10)
    epochs(second, 11, 30)
    await second.save()
    expect(readFileSync(file)).toEqual(expected)
  })

  it('looks no more often than it will keep, if the end is known', async () => {
    const { watch } = await RunExamples.open(file, { ...run, planned: 100 }, undefined)
    const looks = Array.from({ length: 100 }, (_, i) => i + 1).filter((epoch) => watch.wants(epoch))
    expect(looks).toEqual([1, 17, 33, 49, 65, 81, 97])
  })

  it('begins anew if the file is damaged or of another scan', async () => {
    writeFileSync(file, '{"scan":"a"')
    const anew = await RunExamples.open(file, run, 3)
    epochs(anew, 4, 4)
    await anew.save()
    expect(await epochsIn()).toEqual([4])
    const other = await RunExamples.open(file, { ...run, scans: [scanWith('c', 0, 0, 0)] }, 4)
    epochs(other, 5, 5)
    await other.save()
    expect(await epochsIn()).toEqual([5])
  })
})

describe('decodeExamples', () => {
  const planes = examplePlanes(scans[0]!.data as Float32Array, grid)
  const labels = planes.map(({ scan }) => new Uint8Array(scan.length))
  const content = {
    ...{ scan: 'a', known: true, classes: [{ name: 'one', colour: '#00ff00' }] },
    ...{ planes, examples: [{ epoch: 1, step: 2, labels }] },
  }
  const text = encodeExamples(content)
  const decode = (changed: string) => decodeExamples(new TextEncoder().encode(changed))

  it('returns what was encoded', () => {
    expect(decode(text)).toEqual(content)
  })

  it('believes nothing that does not fit', () => {
    for (const [from, to] of [
      ['"known":true', '"known":1'],
      ['"RAS"', '"RRS"'],
      ['[4,5,1]', '[4,5,2]'],
      ['[4,5,1]', '[4,5,1e9]'],
      ['[1,2,3]', '[1,2]'],
      ['#00ff00', '"><script>'],
      ['"axial"', '"oblique"'],
      ['"epoch":1', '"epoch":-1'],
      ['"labels":[', '"labels":["",'],
    ] as const) {
      expect(text).toContain(from)
      expect(decode(text.replace(from, to)), to).toBeUndefined()
    }
    expect(decode(text.slice(0, 100))).toBeUndefined()
  })
})

it('gridOfRun is that of the scan if the prior does not say how it lies', () => {
  const thinned: [number, number, number] = [2, 3, 3]
  const bare = { shape: thinned, affine: grid.affine, known: false }
  const byTwo = { ...grids, scans: [{ ...inPlace, every: 2 }] }
  expect(gridOfRun({ ...bare, known: true }, byTwo, 0)).toEqual({ ...bare, known: true })
  expect(gridOfRun(bare, byTwo, 0)).toMatchObject({ shape: thinned, known: true })
  expect(voxelSize(gridOfRun(bare, byTwo, 0).affine)).toEqual([2, 4, 6])
})

it('planeOf cuts across any axis', () => {
  const volume = Uint8Array.from({ length: 120 }, (_, i) => i)
  expect([...planeOf(volume, shape, 0, 3)]).toEqual([...volume.subarray(90)])
  expect([...planeOf(volume, shape, 1, 4)].slice(0, 7)).toEqual([24, 25, 26, 27, 28, 29, 54])
  expect([...planeOf(volume, shape, 2, 5)].slice(0, 3)).toEqual([5, 11, 17])
})
