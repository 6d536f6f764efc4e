/** Files that do not say what their labels or channels are: nothing is taken for granted in silence. */
import { rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatDsegTable } from '../../../src/cli/tables/dseg-table.js'
import { freeSurferTable } from '../../../src/sae/labels/freesurfer-table.js'
import { grid, makeStudy, sae, shape, succeed, type Study } from '../support.js'

let study: Study
const voxels = shape[0] * shape[1] * shape[2]
const K = freeSurferTable.classes.length

beforeAll(async () => {
  study = await makeStudy()
})
afterAll(() => {
  study.remove()
})

async function refused(args: readonly string[]): Promise<string> {
  const { code, stdout, errors } = await sae(args)
  expect(code).toBe(2)
  expect(stdout).toBe('')
  return errors.at(-1)!
}

describe('a map of classes, as another program saved it', () => {
  let moved: string
  let truth: string
  beforeAll(async () => {
    const map = (value: (c: number) => number) =>
      Float32Array.from({ length: voxels }, (_, i) => value(i % K))
    moved = await study.write(
      'moved_dseg.nii',
      map((c) => c),
      'uint8',
    )
    truth = await study.write(
      'truth.nii',
      map((c) => freeSurferTable.classes[c]!.codes[0]!),
      'uint8',
    )
  })

  it('is not scored as codes', async () => {
    const message =
      /moved_dseg\.nii: holds labels up to 13, and FreeSurfer has no code 1, 6, 9: it seems to hold/
    expect(await refused(['evaluate', moved, truth])).toMatch(message)
    expect(await refused(['evaluate', truth, moved])).toMatch(message)
    expect(await refused(['prior', moved, '-o', study.path('p.nii.gz')])).toMatch(message)
  })

  it('is read rightly with its table beside it, on either side', async () => {
    const table = study.path('moved_dseg.tsv')
    writeFileSync(table, formatDsegTable(freeSurferTable, 'classes'))
    for (const pair of [
      [moved, truth],
      [truth, moved],
    ]) {
      expect((await succeed(['evaluate', ...pair])).stdout).toMatch(
        /mean of 12 regions +1\.0000 +0\.00 +0\.000 +1\.0000\n$/,
      )
    }
    rmSync(table)
  })

  it('is read as classes if asked', async () => {
    const { stdout } = await succeed(['evaluate', moved, moved, '--classes', '14'])
    expect(stdout).toMatch(/mean of 13 regions +1\.0000 +0\.00 +0\.000 +1\.0000\n$/)
  })
})

describe('a prior without a table', () => {
  const prior = (channels: number) =>
    study.write(
      `prior${channels}.nii`,
      new Float32Array(channels * voxels).fill(1 / channels),
      'float32',
      grid,
      channels,
    )
  const em = async (path: string, ...more: string[]) => {
    const args = ['--quiet', 'em', study.scans[0], '--prior', path, '--iterations', '1', '--bias', '0']
    const { errors } = await succeed([...args, ...more, '-o', study.path('out'), '--overwrite'])
    return errors.filter((line) => line.includes('nothing says'))
  }

  it('of 14 channels is taken for FreeSurfer with a warning', async () => {
    const path = await prior(14)
    expect(await em(path)).toEqual([
      `warning: ${path}: nothing says what its 14 channels are; taken for FreeSurfer's: ${freeSurferTable.classes.map(({ name }) => name).join(', ')}; give their table with --classes, or --classes freesurfer if that is right`,
    ])
    expect(await em(path, '--classes', 'freesurfer')).toEqual([])
  })

  it('of another number has classes without names, with a warning', async () => {
    const path = await prior(5)
    expect(await em(path)).toEqual([
      `warning: ${path}: nothing says what its 5 channels are; taken for the background and 4 classes without names; give their table with --classes, or --classes 5 if that is right`,
    ])
    expect(await em(path, '--classes', '5')).toEqual([])
  })
})

describe('sae evaluate', () => {
  it('compares shapes before it unpacks a voxel', async () => {
    const small = await study.write('small.nii', new Float32Array(27), 'uint8', { ...grid, shape: [3, 3, 3] })
    // No label map, which only a reader of its voxels sees.
    const fractions = await study.write('fractions.nii', new Float32Array(voxels).fill(0.5), 'float32')
    const message = /the segmentation and the reference differ in shape: .*; resample one/
    expect(await refused(['evaluate', small, fractions])).toMatch(message)
    expect(await refused(['evaluate', fractions, small])).toMatch(message)
    expect(await refused(['evaluate', fractions, fractions])).toMatch(/voxel 0 has the value 0\.5/)
  })
})
