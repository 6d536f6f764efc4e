import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { writeNifti } from '../../src/io/nifti-write.js'
import { makePhantom, phantomTable } from '../../src/sae/phantom/phantom.js'
import type { Results } from '../../tools/experiment/results.js'

const program = fileURLToPath(new URL('../../tools/experiment/main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sae-contrasts-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

/** Writes phantoms as label maps in FreeSurfer codes: reference.nii, one.nii and two.nii. */
function writeMaps(): void {
  const shape: [number, number, number] = [16, 20, 16]
  const affine = [0, 1, 2, 3].map((row) => [0, 1, 2, 3].map((column) => Number(row === column)))
  const grid = { shape, affine, known: true }
  const { subjects } = makePhantom({ seed: 5, shape, subjects: 3 })
  for (const [i, name] of ['reference', 'one', 'two'].entries()) {
    const data = Float32Array.from(subjects[i]!.labels, (c, at) => {
      const [left, right = left] = phantomTable.classes[c]!.codes
      return at < subjects[i]!.labels.length / 2 ? left! : right!
    })
    writeFileSync(
      join(folder, `${name}.nii`),
      writeNifti({ data, channels: 1, grid, source: name }, 'float32'),
    )
  }
}

const em = { kind: 'em', iterations: 5 }
const sae = {
  kind: 'sae',
  recipe: 'default',
  pretraining: { steps: 2 },
  training: { steps: 2, decoderSteps: 2 },
}

function study(contrast: unknown, methods: object): object {
  return {
    title: 'x',
    question: 'y',
    anatomies: {
      kind: 'maps',
      reference: 'reference.nii',
      scans: { contrast, seed: 1, rim: 1, grain: 1, noise: 0.04 },
    },
    cohorts: {
      all: {
        subjects: ['one.nii', 'two.nii'],
        priors: { one: { maps: ['reference.nii'], blur: 2 } },
        training: ['reference.nii'],
      },
    },
    methods,
    seeds: [1],
  }
}

/** Runs a study. @returns the Dice of every class and subject, by method */
async function run(name: string, description: object): Promise<Map<string, (readonly number[])[]>> {
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(description))
  const results = join(folder, 'results')
  await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', program, join(folder, `${name}.json`), '--results', results],
    { env: { ...process.env, SAE_DATA: folder } },
  )
  const { cells, voxels } = JSON.parse(readFileSync(join(results, `${name}.json`), 'utf8')) as Results
  expect(voxels).toEqual({ all: 16 * 20 * 16 })
  expect(cells.map(({ failure }) => failure)).toEqual(cells.map(() => undefined))
  return new Map(cells.map(({ method, subjects }) => [method, subjects.map(({ dice }) => dice)]))
}

describe('a study of several contrasts', () => {
  it('shows each method the contrasts that it names, as channels', async () => {
    writeMaps()
    const several = await run(
      'several',
      study(['t1', 't2'], {
        'em-t1': { ...em, contrasts: ['t1'] },
        'em-t2': { ...em, contrasts: ['t2'] },
        'em-both': em,
        'em-listed': { ...em, contrasts: ['t1', 't2'] },
        'sae-t1': { ...sae, contrasts: ['t1'] },
        'sae-t2': { ...sae, contrasts: ['t2'] },
        'sae-both': sae,
        supervised: { kind: 'supervised', scans: 1, steps: 2 },
      }),
    )
    expect(several.size).toBe(8)
    const of = (method: string): unknown => several.get(method)
    expect(of('em-listed')).toEqual(of('em-both'))
    for (const kind of ['em', 'sae']) {
      expect(of(`${kind}-t2`)).not.toEqual(of(`${kind}-t1`))
      expect(of(`${kind}-both`)).not.toEqual(of(`${kind}-t1`))
      expect(of(`${kind}-both`)).not.toEqual(of(`${kind}-t2`))
    }

    // Its settings are those of sae-t1, but it has a start of its own.
    const alone = await run('alone', study(['t1', 't2'], { 'sae-t2': { ...sae, contrasts: ['t2'] } }))
    expect(alone.get('sae-t2')).toEqual(of('sae-t2'))

    // A second contrast leaves the scan of the first as it was, to the bit.
    const single = await run('single', study('t1', { em }))
    expect(single.get('em')).toEqual(of('em-t1'))
  })
})
