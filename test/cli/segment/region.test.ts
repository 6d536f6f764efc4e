/** `sae segment` computes where the prior leaves something open, and answers for the whole grid. */
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readVolume } from '../../../src/io/files.js'
import { writeSafetensors, type Tensor } from '../../../src/io/safetensors.js'
import { unknownGrid } from '../../../src/io/volume.js'
import { createModel, defaultArchitecture } from '../../../src/sae/model.js'
import { priorFromLabels } from '../../../src/sae/prior/prior-from-labels.js'
import { makeStudy, succeed, type Study } from '../support.js'

const shape: [number, number, number] = [35, 29, 42]
const voxels = shape[0] * shape[1] * shape[2]
const K = 3
let study: Study
let options: string[]

beforeAll(async () => {
  study = await makeStudy()
  const grid = unknownGrid(shape)
  const labels = Uint8Array.from({ length: voxels }, (_, i) => {
    const [d, h, w] = [Math.floor(i / (29 * 42)), Math.floor(i / 42) % 29, i % 42]
    const inside = Math.hypot(d - 20, h - 13, w - 18) < 6
    return inside ? 1 + (Math.floor(w / 3) % 2) : 0
  })
  const prior = await study.write(
    'prior.nii',
    priorFromLabels(labels, shape, K, { sigma: 1 }),
    'float32',
    grid,
    K,
  )
  const scan = await study.write(
    'scan.nii',
    Float32Array.from({ length: voxels }, (_, i) => ((i * 7919) % 101) / 100),
    'float32',
    grid,
  )
  const tensors = new Map<string, Tensor>()
  for (const { name, shape, initial } of createModel(defaultArchitecture(K), 3).encoder.parameters) {
    tensors.set(name, { dtype: 'F32', shape, data: (initial as Float32Array).map((value) => 4 * value) })
  }
  writeFileSync(study.path('weights.safetensors'), writeSafetensors(tensors))
  options = [scan, '--prior', prior, '--weights', study.path('weights.safetensors'), '--posterior']
})
afterAll(() => {
  study.remove()
})

async function segment(...more: string[]) {
  const { errors } = await succeed(['segment', ...options, ...more, '-o', study.path('out'), '--overwrite'])
  const [classes, posterior] = await Promise.all(
    ['dseg', 'probseg'].map((kind) => readVolume(study.path(`out/scan_${kind}.nii.gz`))),
  )
  expect(classes!.grid.shape).toEqual(shape)
  expect(posterior!.channels).toBe(K)
  return { classes: classes!.data, posterior: posterior!.data, notes: errors.join('\n') }
}

/** Whether the adapter that commands choose has f16. */
async function storesF16(): Promise<boolean> {
  const { stdout } = await succeed(['info', '--json'])
  const adapters = JSON.parse(stdout) as { chosen: boolean; features: string[] }[]
  return adapters.find(({ chosen }) => chosen)!.features.includes('shader-f16')
}

it.for([[[]], [['--precision', 'f16']], [['--refine', '2', '--k', '5']]])(
  'answers as on the whole grid: %j',
  async ([more = []], { skip }) => {
    if (more.includes('f16')) skip(!(await storesF16()), 'the adapter cannot store f16')
    const whole = await segment(...more, '--whole-grid')
    const region = await segment(...more)
    expect(whole.notes).toMatch(/^region: all 35x29x42 voxels$/m)
    expect(region.notes).toMatch(/^region: 2\dx2\dx\d\d of 35x29x42 voxels; .*background elsewhere$/m)
    expect(region.classes).toEqual(whole.classes)
    expect(new Set(whole.classes).size).toBe(K)
    // The sums of the MRF are rounded in another order.
    const worst = whole.posterior.reduce(
      (most, p, i) => Math.max(most, Math.abs(p - region.posterior[i]!)),
      0,
    )
    expect(worst).toBeLessThanOrEqual(more.includes('--refine') ? 1e-5 : 0)
  },
)
