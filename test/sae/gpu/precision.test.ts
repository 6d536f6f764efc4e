/** Training and segmentation with volumes stored as f16, beside f32. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { input } from '../../../src/graph/value.js'
import { checkFinite } from '../../../src/plan/check-finite.js'
import type { Precision } from '../../../src/plan/storage.js'
import { Variables } from '../../../src/plan/variables.js'
import { readTensors, readVolume } from '../../../src/io/files.js'
import { diceScores, meanDice } from '../../../src/sae/metrics/dice.js'
import { freeSurferTable } from '../../../src/sae/labels/freesurfer-table.js'
import { toClasses } from '../../../src/sae/labels/label-codes.js'
import { foregroundClasses } from '../../../src/sae/labels/label-table.js'
import { createModel, defaultArchitecture, loadTensors, type NamedTensor } from '../../../src/sae/model.js'
import { makePhantom, phantomTable } from '../../../src/sae/phantom/phantom.js'
import { Pretrainer } from '../../../src/sae/training/pretrainer.js'
import type { Prior } from '../../../src/sae/prior/prior.js'
import { priorFromLabels } from '../../../src/sae/prior/prior-from-labels.js'
import { Segmenter } from '../../../src/sae/segmenter.js'
import { defaultPretraining, defaultTraining } from '../../../src/sae/settings.js'
import { Trainer } from '../../../src/sae/training/trainer.js'
import { needHalves, useGpu } from '../../gpu.js'

const device = useGpu()

describe('training stored as f16', () => {
  const shape: [number, number, number] = [17, 18, 16]
  const { subjects, unpaired } = makePhantom({ seed: 2, shape, subjects: 3 })
  const classes = phantomTable.classes.length
  const scans = subjects.map(({ scan }, i) => ({ name: `s${i}`, data: scan }))
  const prior = { data: priorFromLabels(unpaired.labels, shape, classes, { floor: 1e-4 }), classes, shape }

  /** Pretrains, then trains; returns every loss, and the weight of the squared error in every step of training. */
  async function learn(precision: Precision) {
    const model = createModel({ classes, widths: [4, 8, 16], instanceNorm: false }, 1)
    const variables = new Variables(device.gpu)
    const common = { precision, batchSize: 2, epochs: 6, learningRate: 2e-3 }
    const pretraining = { ...defaultPretraining, ...common }
    const pretrainer = new Pretrainer(device.gpu, model, variables, prior, pretraining)
    const losses: number[] = []
    for await (const { crossEntropy } of pretrainer.train(scans)) losses.push(crossEntropy)
    pretrainer.dispose()

    const training = { ...defaultTraining, ...common, neighbourhood: 5 }
    const trainer = new Trainer(device.gpu, model, variables, prior, training)
    const weights: number[] = []
    for await (const { loss, weight } of trainer.train(scans)) {
      losses.push(loss)
      weights.push(weight)
    }
    trainer.dispose()
    variables.dispose()
    return { losses, weights }
  }

  it('has the losses of f32 to about one in a hundred', async (context) => {
    needHalves(device.gpu, context)
    const full = await learn('f32')
    const half = await learn('f16')
    expect(half.losses).not.toEqual(full.losses)
    half.losses.forEach((loss, i) => {
      expect(Math.abs(loss - full.losses[i]!) / Math.abs(full.losses[i]!), `step ${i}`).toBeLessThan(0.01)
    })
    expect(half.weights).toEqual(full.weights)
    // The first weight is 5e-9, which gradients of f16 would not survive.
    expect(full.weights[0]).toBeLessThan(1e-8)
  })
})

it('an overflow of f16 in a segmentation is silent, and checkFinite finds it', async (context) => {
  needHalves(device.gpu, context)
  const shape: [number, number, number] = [9, 16, 12]
  const voxels = 9 * 16 * 12
  const classes = 8
  const model = createModel({ classes, widths: [4, 8, 16], instanceNorm: false }, 1)
  const variables = new Variables(device.gpu)
  const prior = { data: new Float32Array(classes * voxels).fill(1 / classes), classes, shape }
  const data = Float32Array.from({ length: voxels }, (_, i) => (i % 17) / 16)
  const different = async (times: number) => {
    for (const value of model.parameters)
      variables.write(
        value,
        Float32Array.from(value.initial!, (weight) => weight * times),
      )
    const found: Uint8Array[] = []
    for (const precision of ['f32', 'f16'] as const) {
      const segmenter = await Segmenter.create(device.gpu, model, variables, prior, { precision })
      found.push((await segmenter.segment(data)).classes)
      segmenter.dispose()
    }
    return found[0]!.filter((k, i) => k !== found[1]![i]).length / voxels
  }
  const scan = input('scan', [1, 1, ...shape])
  const inputs = new Map([[scan, data]])
  const check = () =>
    checkFinite(device.gpu, { outputs: [model.encoder(scan)], variables, inputs, storage: 'f16' })

  expect(await different(5)).toBeLessThan(0.01)
  expect(await check()).toBeUndefined()
  expect(await different(60)).toBeGreaterThan(0.5)
  expect((await check())!.message).toMatch(/^encoder\.block\d: conv3d: .* more than f16 holds/)
  variables.dispose()
})

describe('the real scan, segmented with f16', () => {
  const data = process.env.SAE_DATA ?? '../shared/data'
  const file = (path: string) => join(data, path)
  const missing = !existsSync(file('vols/OASIS_0009.npz'))
  if (missing) console.warn(`SKIPPED: no real scan in ${data} (set SAE_DATA)`)

  /** Mean Dice of PyTorch in f32. */
  const published = [
    ['pretrained_encoder', 0.7439],
    ['trained_mrf_model', 0.7929],
  ] as const

  it.skipIf(missing)('scores as in f32', { timeout: 600_000 }, async (context) => {
    needHalves(device.gpu, context)
    const shape: [number, number, number] = [160, 192, 224]
    const labels = async (name: string) =>
      toClasses((await readVolume(file(`labels/${name}.npz`))).data, freeSurferTable)
    const prior = {
      data: priorFromLabels(await labels('OASIS_0223'), shape, 14, { sigma: 1.5 }),
      classes: 14,
      shape,
    }
    const truth = await labels('OASIS_0009')
    const scan = await readVolume(file('vols/OASIS_0009.npz'))
    for (const [name, dice] of published) {
      const { tensors } = await readTensors(file(`weights/${name}.safetensors`))
      const segmented = await segment(prior, tensors as ReadonlyMap<string, NamedTensor>, scan.data)
      const scores = diceScores(segmented, truth, 14)
      const found = meanDice(scores, foregroundClasses(freeSurferTable))
      console.info(`${name}: Dice ${found.toFixed(4)} with f16, ${dice} in f32`)
      expect(Math.abs(found - dice), name).toBeLessThan(0.002)
    }
  })

  async function segment(prior: Prior, tensors: ReadonlyMap<string, NamedTensor>, scan: Float32Array) {
    const model = createModel(defaultArchitecture(14))
    const variables = new Variables(device.gpu)
    loadTensors(variables, model.encoder.parameters, tensors, 'the release')
    const segmenter = await Segmenter.create(device.gpu, model, variables, prior, { precision: 'f16' })
    const { classes } = await segmenter.segment(scan)
    segmenter.dispose()
    variables.dispose()
    return classes
  }
})
