/** The same scan in other units, number formats or with an outlying voxel gets the same segmentation. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readVolume } from '../../../src/io/files.js'
import { writeSafetensors, type Tensor } from '../../../src/io/safetensors.js'
import { unknownGrid, type Volume } from '../../../src/io/volume.js'
import type { VoxelType } from '../../../src/io/voxel-type.js'
import { diceScores, meanDice } from '../../../src/sae/metrics/dice.js'
import { freeSurferTable } from '../../../src/sae/labels/freesurfer-table.js'
import { toClasses } from '../../../src/sae/labels/label-codes.js'
import { foregroundClasses, identityTable, type LabelTable } from '../../../src/sae/labels/label-table.js'
import { createModel } from '../../../src/sae/model.js'
import { makePhantom } from '../../../src/sae/phantom/phantom.js'
import { makeNifti } from '../../io/make-nifti.js'
import { makeStudy, succeed, type Study } from '../support.js'

let study: Study
beforeAll(async () => {
  study = await makeStudy()
})
afterAll(() => {
  study.remove()
})

/** As int16, one voxel of 1000: the brightest, since the intensities of the others are the matter here. */
function withHotVoxel(data: Float32Array): Float32Array {
  const hot = data.map((value) => Math.round(255 * value))
  hot[data.indexOf(data.reduce((most, value) => Math.max(most, value)))] = 1000
  return hot
}

const variants: [name: string, type: VoxelType, change: (data: Float32Array) => Float32Array][] = [
  ['uint8', 'uint8', (data) => data.map((value) => Math.round(255 * value))],
  ['hot', 'int16', withHotVoxel],
  ['negative', 'float32', (data) => data.map((value, i) => (i === 0 ? -1e-6 : value))],
  ['dark', 'float32', (data) => data.map((value) => 0.3 * value)],
  ['darker', 'float32', (data) => data.map((value) => 0.01 * value)],
]

/** The grey levels of a scan as int16 that a slope and an intercept turn into them. */
function writeScaled(name: string, scan: Float32Array, [D, H, W]: readonly [number, number, number]): string {
  const [slope, inter] = [0.5, -20]
  const values: number[] = []
  for (let w = 0; w < W; w++) {
    for (let h = 0; h < H; h++) {
      for (let d = 0; d < D; d++) values.push((Math.round(255 * scan[(d * H + h) * W + w]!) - inter) / slope)
    }
  }
  const bytes = makeNifti({ dims: [3, D, H, W], datatype: 4, values, slope, inter })
  writeFileSync(study.path(name), bytes)
  return study.path(name)
}

/**
 * Segments a scan and its variants.
 *
 * @returns the classes of the scan, and by variant the mean Dice of its segmentation with the scan's
 */
async function segmentVariants(
  scan: Float32Array,
  shape: readonly [number, number, number],
  table: LabelTable,
  options: readonly string[],
): Promise<{ classes: Uint8Array; agreement: Record<string, number> }> {
  const grid = unknownGrid(shape)
  const output = `out-${shape.join('x')}`
  const files = [await study.write('plain.nii', scan, 'float32', grid)]
  for (const [name, type, change] of variants) {
    files.push(await study.write(`${name}.nii`, change(scan), type, grid))
  }
  files.push(writeScaled('scaled.nii', scan, shape))
  await succeed(['segment', ...files, ...options, '-o', study.path(output)])
  const read = async (name: string) =>
    toClasses((await readVolume(study.path(`${output}/${name}_dseg.nii.gz`))).data, table)
  const classes = await read('plain')
  const agreement: Record<string, number> = {}
  for (const name of [...variants.map(([name]) => name), 'scaled']) {
    const scores = diceScores(await read(name), classes, table.classes.length)
    agreement[name] = meanDice(scores, foregroundClasses(table))
  }
  return { classes, agreement }
}

function expectAgreement(agreement: Record<string, number>): void {
  expect(Object.keys(agreement)).toHaveLength(variants.length + 1)
  for (const [name, dice] of Object.entries(agreement)) expect(dice, name).toBeGreaterThan(0.995)
}

/** Every other voxel along each axis. */
function everyOther({ data, grid }: Volume): { data: Float32Array; shape: [number, number, number] } {
  const [D, H, W] = grid.shape
  const shape: [number, number, number] = [D / 2, H / 2, W / 2]
  const half = new Float32Array(data.length / 8)
  let at = 0
  for (let d = 0; d < D; d += 2) {
    for (let h = 0; h < H; h += 2) for (let w = 0; w < W; w += 2) half[at++] = data[(d * H + h) * W + w]!
  }
  return { data: half, shape }
}

/** Weights drawn from a seed, but larger, so that the classes depend on the scan. */
function writeWeights(name: string, classes: number): string {
  const architecture = { classes, widths: [4, 8, 8], instanceNorm: false }
  const tensors = new Map<string, Tensor>()
  for (const { name, shape, initial } of createModel(architecture, 2).encoder.parameters) {
    const data = (initial as Float32Array).map((value) => 5 * value)
    tensors.set(name, { dtype: 'F32', shape, data })
  }
  const metadata = {
    format: 'sae-webgpu 1',
    architecture: JSON.stringify(architecture),
    intensities: 'robust',
  }
  writeFileSync(study.path(name), writeSafetensors(tensors, metadata))
  return study.path(name)
}

describe('weights of our own', () => {
  it('segment a phantom alike whatever its units', async () => {
    const shape = [24, 24, 24] as const
    const table = identityTable(5)
    const classes = table.classes.length
    // In grey levels, so that uint8 loses nothing.
    const scan = makePhantom({ shape, subjects: 1 }).subjects[0]!.scan.map((v) => Math.round(255 * v) / 255)
    const uniform = new Float32Array(classes * scan.length).fill(1 / classes)
    const prior = await study.write('prior.nii', uniform, 'float32', unknownGrid(shape), classes)
    const options = ['--weights', writeWeights('weights.safetensors', classes), '--prior', prior]
    const found = await segmentVariants(scan, shape, table, options)
    const voxels = table.classes.map((_, c) => found.classes.filter((value) => value === c).length)
    expect(voxels.filter((count) => count > scan.length / 50).length).toBeGreaterThan(2)
    expectAgreement(found.agreement)
  })
})

describe('a scan with its skull', () => {
  it('is named with the advice to strip it', async () => {
    const [inner, outer] = [20, 32]
    const edge = (outer - inner) / 2
    const { subjects } = makePhantom({ shape: [inner, inner, inner], subjects: 1 })
    const { scan, labels } = subjects[0]!
    const head = new Float32Array(outer ** 3)
    const prior = new Float32Array(2 * head.length)
    for (let i = 0; i < head.length; i++) {
      const place = [Math.floor(i / outer ** 2), Math.floor(i / outer) % outer, i % outer]
      const [d, h, w] = place.map((x) => x - edge)
      const isInside = place.every((x) => x >= edge && x < edge + inner)
      const at = isInside ? (d! * inner + h!) * inner + w! : -1
      const brain = at !== -1 && labels[at]! > 0 ? 0.95 : 0
      prior.set([1 - brain], i)
      prior.set([brain], head.length + i)
      const radius = Math.hypot(...place.map((x) => x - (outer - 1) / 2))
      head[i] = brain > 0 ? scan[at]! : radius > 13 && radius < 16 ? 0.9 : 0
    }
    const grid = unknownGrid([outer, outer, outer])
    const classes = ['--classes', '2', '--bias', '0', '-o', study.path('head')]
    const args = ['--prior', await study.write('head-prior.nii', prior, 'float32', grid, 2), ...classes]
    const warnings = async (name: string, data: Float32Array) => {
      const { errors } = await succeed(['em', await study.write(name, data, 'float32', grid), ...args])
      return errors.join('\n')
    }
    expect(await warnings('head.nii', head)).toMatch(
      /warning: the segmentation of .*head\.nii .*reaches [\d.]+ times as far as the prior.*Try: .*a skull-stripped scan/,
    )
    const stripped = head.map((value, i) => (prior[head.length + i]! > 0 ? value : 0))
    expect(await warnings('stripped.nii', stripped)).not.toMatch(/skull/)
  })
})

describe('weights of the reference release', () => {
  const data = process.env.SAE_DATA ?? '../shared/data'
  const file = (path: string): string => join(data, path)
  const missing = !existsSync(file('vols/OASIS_0009.npz'))
  if (missing) console.warn(`SKIPPED: no real scan in ${data} (set SAE_DATA)`)

  const options = (prior: string) => {
    return ['--weights', file('weights/trained_mrf_model.safetensors'), '--prior', prior]
  }
  const priorOf = async (name: string, labels: string, blur: string): Promise<string> => {
    await succeed(['prior', labels, '--blur', blur, '-o', study.path(name)])
    return study.path(name)
  }

  it.skipIf(missing)('segment the real scan as well as the release does', { timeout: 600_000 }, async () => {
    const prior = await priorOf('real-prior.nii', file('labels/OASIS_0223.npz'), '1.5')
    await succeed(['segment', file('vols/OASIS_0009.npz'), ...options(prior), '-o', study.path('real')])
    const read = async (path: string) => toClasses((await readVolume(path)).data, freeSurferTable)
    const classes = await read(study.path('real/OASIS_0009_dseg.nii.gz'))
    const scores = diceScores(classes, await read(file('labels/OASIS_0009.npz')), 14)
    expect(meanDice(scores, foregroundClasses(freeSurferTable))).toBeCloseTo(0.7929, 4)
  })

  it.skipIf(missing)('segment the real scan, at every other voxel, whatever its units', async () => {
    const scan = everyOther(await readVolume(file('vols/OASIS_0009.npz')))
    const labels = everyOther(await readVolume(file('labels/OASIS_0223.npz')))
    const map = await study.write('real-labels.nii', labels.data, 'int16', unknownGrid(labels.shape))
    const prior = await priorOf('half-prior.nii', map, '0.75')
    const { agreement } = await segmentVariants(scan.data, scan.shape, freeSurferTable, options(prior))
    console.info('Dice with the segmentation of the plain scan:', agreement)
    expectAgreement(agreement)
  })
})
