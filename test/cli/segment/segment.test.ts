/** Segmenting and scoring, with weights that only were pretrained. */
import { spawn } from 'node:child_process'
import { copyFileSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readVolume } from '../../../src/io/files.js'
import { diceScores, meanDice } from '../../../src/sae/metrics/dice.js'
import { toClasses } from '../../../src/sae/labels/label-codes.js'
import { foregroundClasses } from '../../../src/sae/labels/label-table.js'
import { phantomTable } from '../../../src/sae/phantom/phantom.js'
import { makePrior, makeStudy, program, shape, succeed, type Study } from '../support.js'

let study: Study
const K = phantomTable.classes.length
const prior = (): string[] => ['--prior', study.path('prior.nii.gz')]

beforeAll(async () => {
  study = await makeStudy()
  await makePrior(study)
  const settings = ['--epochs', '1', '--lr', '0.01']
  await succeed(['pretrain', ...study.scans, ...prior(), ...settings, '-o', study.path('run')])
})
afterAll(() => {
  study.remove()
})

describe('sae segment and sae evaluate', () => {
  /** Everything in a NIfTI header that says where the voxels lie. */
  const placement = (file: string): Buffer => {
    const raw = readFileSync(file)
    const header = raw[0] === 0x1f ? gunzipSync(raw) : raw
    return Buffer.concat([header.subarray(76, 92), header.subarray(123, 124), header.subarray(252, 328)])
  }
  let scores: number[]

  beforeAll(async () => {
    const { scans, path } = study
    const weights = ['--weights', path('run/pretrained.safetensors')]
    await succeed([
      'segment',
      ...scans,
      ...weights,
      ...prior(),
      '--posterior',
      '--refine',
      '2',
      '-o',
      path('out'),
    ])
    await succeed([
      'segment',
      scans[0],
      ...weights,
      ...prior(),
      '--labels-out',
      'classes',
      '--refine',
      '2',
      '-o',
      path('out-classes'),
    ])
    const [predicted, truth] = await Promise.all(
      [path('out/a_dseg.nii.gz'), study.labels[0]].map(async (file) =>
        toClasses((await readVolume(file)).data, phantomTable),
      ),
    )
    scores = diceScores(predicted!, truth!, K)
  })

  it('puts the segmentation at the place of the scan', async () => {
    for (const [i, name] of ['a', 'b'].entries()) {
      const file = study.path(`out/${name}_dseg.nii.gz`)
      expect(placement(file)).toEqual(placement(study.scans[i]!))
      expect((await readVolume(file)).grid.shape).toEqual([...shape])
    }
  })

  it('writes codes that the posterior and the table bear out', async () => {
    const { data: posterior, channels } = await readVolume(study.path('out/a_probseg.nii.gz'))
    const { data: codes } = await readVolume(study.path('out/a_dseg.nii.gz'))
    const { data: classes } = await readVolume(study.path('out-classes/a_dseg.nii.gz'))
    expect(channels).toBe(K)
    for (let i = 0; i < codes.length; i++) {
      const probabilities = Array.from({ length: K }, (_, c) => posterior[c * codes.length + i]!)
      expect(Math.abs(probabilities.reduce((a, b) => a + b) - 1)).toBeLessThan(1e-5)
      expect(probabilities[classes[i]!]).toBe(Math.max(...probabilities))
      expect(phantomTable.classes[classes[i]!]!.codes).toContain(codes[i])
    }
    // D runs to the left, so the sides are told apart by planes; the world's x = 0 lies outside this brain.
    const cortexOf = (half: Float32Array) => new Set(half.filter((code) => code === 3 || code === 42))
    const plane = shape[1] * shape[2]
    expect(cortexOf(codes.slice(0, 6 * plane))).toEqual(new Set([42]))
    expect(cortexOf(codes.slice(9 * plane))).toEqual(new Set([3]))
    const [header, background, left, right] = readFileSync(study.path('out/a_dseg.tsv'), 'utf8').split('\n')
    expect(header).toBe('index\tname\tabbreviation\tcolor\tcodes\tclass')
    expect(background).toBe('0\tbackground\tbg\t#000000\t0\tbackground')
    expect(left).toMatch(/^3\tleft cerebral cortex\tctx\t#[0-9a-f]{6}\t3,42\tcerebral cortex$/)
    expect(right).toMatch(/^42\tright cerebral cortex\tctx\t#[0-9a-f]{6}\t3,42\tcerebral cortex$/)
  })

  it('records what is done if Ctrl-C ends it, and only once', async () => {
    const { scans, path } = study
    const many = Array.from({ length: 40 }, (_, i) => path(`copy-${i}.nii.gz`))
    for (const copy of many) copyFileSync(scans[0], copy)
    const weights = ['--weights', path('run/pretrained.safetensors')]
    const args = ['segment', ...many, ...weights, ...prior(), '-o', path('stopped')]
    const child = spawn(process.execPath, [program, ...args])
    const ended = new Promise((resolve) =>
      child.once('exit', (_, signal) => {
        resolve(signal)
      }),
    )
    child.stdout.once('data', () => child.kill('SIGINT'))
    expect(await ended).toBe('SIGINT')
    const { runs } = JSON.parse(readFileSync(path('stopped/run.json'), 'utf8')) as {
      runs: {
        interrupted: boolean
        inputs: { role: string; path: string }[]
        figures: { segmentations: { scan: string }[] }
      }[]
    }
    expect(runs).toMatchObject([{ interrupted: true }])
    const done = runs[0]!.figures.segmentations.map(({ scan }) => scan)
    expect(done.length).toBeGreaterThan(0)
    expect(done.length).toBeLessThan(many.length)
    expect(done).toEqual(many.slice(0, done.length))
    const read = runs[0]!.inputs.filter(({ role }) => role === 'scan').map((input) => input.path)
    expect(read).toEqual(done)
  })

  it('skips finished scans with --keep-existing', async () => {
    const args = [
      ...prior(),
      '--weights',
      study.path('run/pretrained.safetensors'),
      '--posterior',
      '--refine',
      '2',
      '-o',
      study.path('out'),
      '--keep-existing',
    ]
    const { stdout } = await succeed(['segment', ...study.scans, ...args])
    expect(stdout).toBe('2 of 2 scans are segmented already.\n')
  })

  it('prints Dice per region and their mean, by the table beside the segmentation', async () => {
    const truth = study.labels[0]
    const { stdout } = await succeed([
      'evaluate',
      study.path('out/a_dseg.nii.gz'),
      truth,
      '--csv',
      study.path('dice.csv'),
    ])
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(9)
    phantomTable.classes.slice(1).forEach(({ name }, i) => {
      expect(lines[i + 1]).toMatch(new RegExp(`^${name} +${scores[i + 1]!.toFixed(4)} `))
    })
    const mean = meanDice(scores, foregroundClasses(phantomTable))
    expect(lines[8]).toMatch(new RegExp(`^mean of 7 regions +${mean.toFixed(4)} `))
    const csv = readFileSync(study.path('dice.csv'), 'utf8').trimEnd().split('\n')
    expect(csv).toHaveLength(8)
    const [first, abbreviation] = [phantomTable.classes[1]!.name, phantomTable.classes[1]!.abbreviation]
    expect(csv[0]).toMatch(
      /^scan,region,abbreviation,present,dice,hd95_mm,assd_mm,vs,volume_mm3,reference_mm3$/,
    )
    expect(csv[1]).toMatch(new RegExp(`^a,${first},${abbreviation},(both|reference),${scores[1]!},`))

    const json = await succeed(['evaluate', study.path('out-classes/a_dseg.nii.gz'), truth, '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ mean })
    const perfect = await succeed(['evaluate', truth, truth, '--classes', study.classes])
    expect(perfect.stdout).toMatch(/mean of 7 regions +1\.0000 +0\.00 +0\.000 +1\.0000\n$/)
  })
})
