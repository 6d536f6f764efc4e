import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { subsample } from '../../../src/cli/grids/subsample.js'
import { readVolume } from '../../../src/io/files.js'
import type { Grid, Volume } from '../../../src/io/volume.js'
import { toCodes } from '../../../src/sae/labels/label-codes.js'
import { makePhantom, phantomTable } from '../../../src/sae/phantom/phantom.js'
import { grid, makeStudy, sae, shape, succeed, visibleFiles, type Study } from '../support.js'

let study: Study
/** A label map in FreeSurfer codes on `grid`, an odd shape of askew voxels. */
let map: string
const still = ['--deform', '0', '--rotate', '0', '--scale', '0']
const plain = ['--noise', '0', '--bias', '0', '--blur', '0', '--rim', '0']

beforeAll(async () => {
  study = await makeStudy()
  map = study.labels[0]
})
afterAll(() => {
  study.remove()
})
afterEach(() => {
  rmSync(study.path('out'), { recursive: true, force: true })
})

const synth = (...args: string[]): string[] => ['synth', ...args, '-o', study.path('out')]
const output = (name: string): string => join(study.path('out'), name)
const read = (name: string): Promise<Volume> => readVolume(output(name))

describe('sae synth', () => {
  it('writes scans, labels, what they were made of, and an index', async () => {
    const { stdout } = await succeed(synth(map, study.unpaired, '-n', '3'))
    expect(visibleFiles(study.path('out'))).toEqual([
      'participants.tsv',
      ...[1, 2, 3].flatMap((i) =>
        ['T1w.json', 'T1w.nii.gz', 'dseg.nii.gz', 'dseg.tsv'].map((ending) => `sub-00${i}_${ending}`),
      ),
    ])
    expect(stdout).toMatch(/3 scans of \d+x\d+x\d+ voxels/)

    const [scan, labels, other] = [
      await read('sub-001_T1w.nii.gz'),
      await read('sub-001_dseg.nii.gz'),
      await read('sub-002_T1w.nii.gz'),
    ]
    expect(labels.grid.shape).toEqual(scan.grid.shape)
    expect(other.grid.shape).toEqual(scan.grid.shape)
    expect(scan.data.every((value) => value >= 0 && value <= 1)).toBe(true)
    expect(scan.data.some((value) => value > 0.3)).toBe(true)
    const codes = new Set(phantomTable.classes.map((entry) => entry.codes[0]!))
    expect(Array.from(new Set(labels.data)).every((code) => codes.has(code))).toBe(true)

    const index = readFileSync(output('participants.tsv'), 'utf8').trim().split('\n')
    expect(index.map((row) => row.split('\t').slice(0, 2))).toEqual([
      ['participant_id', 'source'],
      ['sub-001', map],
      ['sub-002', study.unpaired],
      ['sub-003', map],
    ])
    const sidecar = JSON.parse(readFileSync(output('sub-001_T1w.json'), 'utf8')) as Record<string, unknown>
    expect(sidecar).toMatchObject({ source: map, rician: false, resolution: [0, 0, 0] })
    expect(sidecar.blur).toBeGreaterThanOrEqual(0.8)
    const table = readFileSync(output('sub-001_dseg.tsv'), 'utf8')
    expect(table).toMatch(/^index\tname.*\n0\tbackground/)

    const { stdout: dice } = await succeed([
      'evaluate',
      output('sub-001_dseg.nii.gz'),
      output('sub-001_dseg.nii.gz'),
    ])
    expect(dice).toMatch(/mean of 7 regions +1\.0000/)
  })

  it('makes the same files for the same seed, the first ones whatever the count, and others for another', async () => {
    const bytes = async (...args: string[]): Promise<string[]> => {
      rmSync(study.path('out'), { recursive: true, force: true })
      await succeed(synth(map, ...args))
      return ['T1w', 'dseg'].map((kind) => readFileSync(output(`sub-001_${kind}.nii.gz`)).toString('base64'))
    }
    const first = await bytes('-n', '1')
    expect(await bytes('-n', '2')).toEqual(first)
    const [scan, labels] = await bytes('-n', '1', '--seed', '2')
    expect(scan).not.toBe(first[0])
    expect(labels).not.toBe(first[1])
  })

  it('makes several contrasts of one anatomy, the first as if it were alone', async () => {
    await succeed(synth(map, '-n', '1'))
    const alone = [await read('sub-001_T1w.nii.gz'), await read('sub-001_dseg.nii.gz')]
    rmSync(study.path('out'), { recursive: true })
    await succeed(synth(map, '-n', '1', '--contrast', 't1,t2'))
    expect(visibleFiles(study.path('out'))).toEqual([
      'participants.tsv',
      ...['T1w.json', 'T1w.nii.gz', 'T2w.json', 'T2w.nii.gz', 'dseg.nii.gz', 'dseg.tsv'].map(
        (ending) => `sub-001_${ending}`,
      ),
    ])
    const [t1, t2, labels] = [
      await read('sub-001_T1w.nii.gz'),
      await read('sub-001_T2w.nii.gz'),
      await read('sub-001_dseg.nii.gz'),
    ]
    expect([t1.data, labels.data]).toEqual(alone.map(({ data }) => data))
    expect(t2.grid).toEqual(t1.grid)
    // Fluid is dark in T1 and bright in T2, and both are 0 beyond the same rim.
    const ventricle = phantomTable.classes.find(({ name }) => name.includes('ventricle'))!.codes[0]!
    const meanIn = ({ data }: Volume, code: number): number => {
      const inside = data.filter((_, i) => labels.data[i] === code)
      return inside.reduce((sum, value) => sum + value, 0) / inside.length
    }
    expect(meanIn(t2, ventricle)).toBeGreaterThan(2 * meanIn(t1, ventricle))
    const sidecars = ['T1w', 'T2w'].map(
      (suffix) =>
        JSON.parse(readFileSync(output(`sub-001_${suffix}.json`), 'utf8')) as { rim: number; noise: number },
    )
    expect(sidecars[1]!.rim).toBe(sidecars[0]!.rim)
    expect(sidecars[1]!.noise).not.toBe(sidecars[0]!.noise)
  })

  it('gives the label map back on its own grid if nothing moves', async () => {
    await succeed(synth(map, '-n', '1', '--like', map, ...still))
    const [made, given] = [await read('sub-001_dseg.nii.gz'), await readVolume(map)]
    expect(made.data).toEqual(given.data)
    expect(made.grid).toEqual(given.grid)
    expect((await read('sub-001_T1w.nii.gz')).grid).toEqual(given.grid)
  })

  it('makes every n-th voxel of that', async () => {
    await succeed(synth(map, '-n', '1', '--like', map, '--every', '2', ...still))
    const [made, given] = [await read('sub-001_dseg.nii.gz'), subsample(await readVolume(map), 2)]
    expect(made.data).toEqual(given.data)
    expect(made.grid.affine).toEqual(given.grid.affine)
  })

  it('places a map with other axes on a grid, by the position of its brain', async () => {
    const given = await readVolume(map)
    const turned = turn(given, [3, 4, 2])
    await study.write('turned.nii.gz', turned.data, 'int16', turned.grid)
    await succeed(synth(study.path('turned.nii.gz'), '-n', '1', '--like', map, ...still))
    const made = await read('sub-001_dseg.nii.gz')
    expect(made.grid.affine).toEqual(given.grid.affine)
    expect(made.data).toEqual(given.data)
  })

  it('counts what lies outside the brain as background, in the labels and in the scan', async () => {
    const given = await readVolume(map)
    const corner = given.data.length - 1
    const head = given.data.map((code, i) => (code === 0 ? [24, 507, 258][i % 3]! : code))
    await study.write('head.nii.gz', head, 'int16')
    await succeed(synth(study.path('head.nii.gz'), '-n', '1', '--like', map, ...still, '--rim', '1'))
    expect((await read('sub-001_dseg.nii.gz')).data).toEqual(given.data)
    expect((await read('sub-001_T1w.nii.gz')).data[corner]).toBe(0)
  })

  it('keeps all brains whole, in the middle of a grid of their own', async () => {
    await succeed(synth(map, study.unpaired, '-n', '2', ...still))
    for (const [i, file] of [map, study.unpaired].entries()) {
      const [made, given] = [await read(`sub-00${i + 1}_dseg.nii.gz`), await readVolume(file)]
      expect(histogram(made.data)).toEqual(histogram(given.data))
    }
    const { affine, shape: sides } = (await read('sub-001_T1w.nii.gz')).grid
    // The first map stays where it is: a grid around it, of whole voxels more.
    const offset = [0, 1, 2].map((r) => (affine[r]![3]! - grid.affine[r]![3]!) / grid.affine[r]![r]!)
    for (const voxels of offset) expect(Math.abs(voxels - Math.round(voxels))).toBeLessThan(1e-4)
    expect(sides.every((n, axis) => n > shape[axis]! + 4)).toBe(true)
  })

  it('takes intensities from a file, also from what it wrote itself', async () => {
    const classes = phantomTable.classes.map(({ codes }, c) => ({
      codes,
      components: [{ weight: 1, mean: (c + 1) / 10, deviation: 0 }],
    }))
    writeFileSync(study.path('my look.json'), JSON.stringify({ classes }))
    await succeed(synth(map, '-n', '1', '--contrast', study.path('my look.json'), '--like', map, ...plain))
    const [scan, labels] = [await read('sub-001_mylook.nii.gz'), await read('sub-001_dseg.nii.gz')]
    scan.data.forEach((value, i) => {
      const c = phantomTable.classes.findIndex(({ codes }) => codes.includes(labels.data[i]!))
      expect(value).toBe(c === 0 ? 0 : Math.fround((c + 1) / 10))
    })

    writeFileSync(study.path('again.json'), readFileSync(output('sub-001_mylook.json')))
    rmSync(study.path('out'), { recursive: true })
    await succeed(synth(map, '-n', '1', '--contrast', study.path('again.json'), '--like', map, ...plain))
    expect((await read('sub-001_again.nii.gz')).data).toEqual(scan.data)
  })

  it('takes classes without a meaning, with random means', async () => {
    const { data } = await readVolume(map)
    const codes = Array.from(new Set(data)).sort((a, b) => a - b)
    await study.write(
      'classes.nii.gz',
      data.map((code) => codes.indexOf(code)),
      'uint8',
    )
    const given = await readVolume(study.path('classes.nii.gz'))
    const args = ['-n', '1', '--classes', '8', '--contrast', 'random', '--like', given.source, ...still]
    await succeed(synth(given.source, ...args))
    expect((await read('sub-001_dseg.nii.gz')).data).toEqual(given.data)
    expect(existsSync(output('sub-001_random.nii.gz'))).toBe(true)

    // Without the option they would be taken for FreeSurfer's codes.
    const { errors } = await succeed(synth(given.source, '-n', '1', '--overwrite'))
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatch(/^warning: .*classes\.nii\.gz: the highest label is 7, .*--classes 8/)
  })

  it('writes the classes of a coarser table, but paints the regions that it merges apart', async () => {
    const coarse = {
      classes: [
        { name: 'background', codes: [0] },
        { name: 'cortex', codes: [3, 42] },
      ],
      rest: 0,
    }
    writeFileSync(study.path('coarse.json'), JSON.stringify(coarse))
    const args = ['--classes', study.path('coarse.json'), '--like', map, ...still, ...plain]
    await succeed(synth(map, '-n', '1', ...args))
    const given = await readVolume(map)
    const [scan, labels] = [await read('sub-001_T1w.nii.gz'), await read('sub-001_dseg.nii.gz')]
    expect(labels.data).toEqual(given.data.map((code) => (code === 3 ? 3 : 0)))
    const mean = (code: number): number => {
      const values = scan.data.filter((_, i) => given.data[i] === code)
      return values.reduce((a, b) => a + b, 0) / values.length
    }
    expect(mean(2)).toBeGreaterThan(mean(10))
    expect(mean(10)).toBeGreaterThan(mean(4) + 0.1)
  })

  it('makes phantoms of no files at all, each another anatomy', async () => {
    await succeed(synth('--phantom', '-n', '2', '--shape', '18,20,16', '--contrast', 't2', ...still))
    const [a, b] = [await read('sub-001_dseg.nii.gz'), await read('sub-002_dseg.nii.gz')]
    const { subjects } = makePhantom({ seed: 1, shape: [18, 20, 16], subjects: 2 })
    expect(a.grid.shape).toEqual([18, 20, 16])
    expect(a.grid.affine[0]![0]).toBeCloseTo(9, 6)
    expect(a.data).toEqual(Float32Array.from(toCodes(subjects[0]!.labels, phantomTable)))
    expect(b.data).toEqual(Float32Array.from(toCodes(subjects[1]!.labels, phantomTable)))
    expect(existsSync(output('sub-001_T2w.nii.gz'))).toBe(true)
  })

  it('replaces nothing unless asked to, and never an input', async () => {
    await succeed(synth(map, '-n', '1'))
    const before = readFileSync(output('sub-001_T1w.nii.gz'))
    const again = await sae(synth(map, '-n', '2', '--seed', '5'))
    expect(again.code).toBe(2)
    expect(again.errors).toHaveLength(1)
    expect(again.errors[0]).toMatch(/participants\.tsv: is there already; .*--overwrite/)
    expect(readFileSync(output('sub-001_T1w.nii.gz'))).toEqual(before)
    expect(existsSync(output('sub-002_T1w.nii.gz'))).toBe(false)

    const own = await sae(synth(output('sub-001_dseg.nii.gz'), '-n', '1', '--overwrite'))
    expect(own.code).toBe(2)
    expect(own.errors[0]).toMatch(/sub-001_dseg\.nii\.gz: is an input/)

    await succeed(synth(map, '-n', '1', '--seed', '5', '--overwrite'))
    expect(readFileSync(output('sub-001_T1w.nii.gz'))).not.toEqual(before)
  })
})

function histogram(codes: Float32Array): [number, number][] {
  const counts = new Map<number, number>()
  for (const code of codes) if (code !== 0) counts.set(code, (counts.get(code) ?? 0) + 1)
  return Array.from(counts).sort(([a], [b]) => a - b)
}

/** The same picture with axes H, D, W, the second of them reversed, and `pad` empty voxels in front of each. */
function turn(
  { data, grid: own }: Volume,
  pad: readonly [number, number, number],
): { data: Float32Array; grid: Grid } {
  const [D, H, W] = own.shape
  const sides: Grid['shape'] = [H + pad[0], D + pad[1], W + pad[2]]
  const turned = new Float32Array(sides[0] * sides[1] * sides[2])
  for (let d = 0; d < D; d++) {
    for (let h = 0; h < H; h++) {
      for (let w = 0; w < W; w++) {
        const at = ((h + pad[0]) * sides[1] + (D - 1 - d + pad[1])) * sides[2] + w + pad[2]
        turned[at] = data[(d * H + h) * W + w]!
      }
    }
  }
  const affine = own.affine.map((row) => [row[1]!, -row[0]!, row[2]!, row[3]! + 17])
  return { data: turned, grid: { shape: sides, affine: [...affine.slice(0, 3), [0, 0, 0, 1]], known: true } }
}
