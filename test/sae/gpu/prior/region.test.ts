/** Work in the region of the prior gives the results of work on the whole grid. */
import { describe, expect, it } from 'vitest'
import { Variables } from '../../../../src/plan/variables.js'
import type { TrainingScan } from '../../../../src/sae/training/batches.js'
import { createModel, type Architecture } from '../../../../src/sae/model.js'
import { Random } from '../../../../src/sae/phantom/random.js'
import { Pretrainer } from '../../../../src/sae/training/pretrainer.js'
import type { Prior } from '../../../../src/sae/prior/prior.js'
import { divided } from '../../../../src/sae/prior/parts.js'
import { priorFromLabels } from '../../../../src/sae/prior/prior-from-labels.js'
import { cropPrior } from '../../../../src/sae/prior/region.js'
import { Segmenter, type SegmentationOptions } from '../../../../src/sae/segmenter.js'
import { defaultPretraining, defaultTraining } from '../../../../src/sae/settings.js'
import { Trainer, type TrainingStep } from '../../../../src/sae/training/trainer.js'
import { useGpu } from '../../../gpu.js'

const device = useGpu()
const K = 8
const random = new Random(6)

/** Random classes in blocks of 3 voxels, in a box that leaves room on most sides; background elsewhere. */
function blocks([D, H, W]: readonly [number, number, number]): Uint8Array {
  const colours = Uint8Array.from({ length: 8192 }, () => Math.floor(K * random.uniform()))
  return Uint8Array.from({ length: D * H * W }, (_, i) => {
    const [d, h, w] = [Math.floor(i / (H * W)), Math.floor(i / W) % H, i % W]
    const inside = d > 13 && d < D - 11 && h > 11 && w > 17 && w < W - 17
    return inside ? colours[(Math.floor(d / 3) * 16 + Math.floor(h / 3)) * 16 + Math.floor(w / 3)]! : 0
  })
}

// Neither is a multiple of 16, and the support touches the far end of the second axis, which the network pads.
const shape: [number, number, number] = [79, 27, 50]
const labels = blocks(shape)
const prior: Prior = { data: priorFromLabels(labels, shape, K, { sigma: 1 }), classes: K, shape }
// Nothing is empty outside the region.
const scan = Float32Array.from(labels, (label) => 0.1 * label + 0.2 * random.uniform())

/** A network with large enough weights that all classes occur. */
function makeNetwork(architecture: Architecture) {
  const model = createModel(architecture, 2)
  const variables = new Variables(device.gpu)
  for (const value of model.encoder.parameters) {
    variables.write(
      value,
      (value.initial as Float32Array).map((weight) => 4 * weight),
    )
  }
  return { model, variables }
}

/** NaN if any is. */
function worstDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)
}

describe('segmenter', () => {
  for (const instanceNorm of [false, true]) {
    const architecture = { classes: K, widths: [3, 5, 7, 8, 6], instanceNorm }
    const name = instanceNorm ? 'normalised blocks' : 'plain blocks'

    async function segment(wholeGrid: boolean, options: SegmentationOptions = {}) {
      const { model, variables } = makeNetwork(architecture)
      const wanted = { posterior: true, wholeGrid, ...options }
      const segmenter = await Segmenter.create(device.gpu, model, variables, prior, wanted)
      const { classes, posterior } = await segmenter.segment(scan)
      const { region, preparation } = segmenter
      segmenter.dispose()
      variables.dispose()
      return { classes, posterior: posterior!, region, preparation }
    }

    it(`answers with the same bits: ${name}`, async () => {
      const whole = await segment(true)
      const region = await segment(false)
      expect(whole.region).toBeUndefined()
      expect(region.region).toEqual({ start: [8, 4, 12], stop: [74, 27, 44] })
      expect(region.classes).toEqual(whole.classes)
      expect(region.posterior).toEqual(whole.posterior)
      for (let c = 0; c < K; c++)
        expect(whole.classes.filter((value) => value === c).length).toBeGreaterThan(30)
    })

    it(`refines to the same classes: ${name}`, async () => {
      const refinement = { rounds: 3, neighbourhood: 9, beta: 0.02 }
      const whole = await segment(true, refinement)
      const region = await segment(false, refinement)
      expect(region.region).toBeDefined()
      expect(region.classes).toEqual(whole.classes)
      const { classes: unrefined } = await segment(true)
      expect(whole.classes.filter((value, i) => value !== unrefined[i]).length).toBeGreaterThan(30)
      expect(worstDifference(region.posterior, whole.posterior)).toBeLessThan(1e-5)
    })
  }
})

describe('segmenter of divided classes', () => {
  it('answers with the same classes', async () => {
    const parts = [0, 0, 1, 2, 3, 4, 4, 5, 6, 7].map((c) => ({ class: c, share: c % 4 === 0 ? 0.5 : 1 }))
    const apart = divided(prior, parts)
    const { model, variables } = makeNetwork({ classes: 10, widths: [3, 5, 4], instanceNorm: false, parts })
    const segment = async (wholeGrid: boolean) => {
      const wanted = { posterior: true, wholeGrid, rounds: 1 }
      const segmenter = await Segmenter.create(device.gpu, model, variables, apart, wanted)
      const result = await segmenter.segment(scan)
      segmenter.dispose()
      return { ...result, region: segmenter.region }
    }
    const [whole, region] = [await segment(true), await segment(false)]
    variables.dispose()
    expect(region.region).toEqual(cropPrior(prior).region)
    expect(region.classes).toEqual(whole.classes)
    expect(new Set(whole.classes).size).toBe(K)
    expect(region.posterior).toHaveLength(whole.posterior!.length)
    expect(worstDifference(region.posterior!, whole.posterior!)).toBeLessThan(1e-5)
  })
})

describe('training', () => {
  const architecture = { classes: K, widths: [3, 5, 4], instanceNorm: false }
  const scans: TrainingScan[] = [{ name: 'scan', data: scan, truth: labels }]
  const settings = { ...defaultTraining, epochs: 3, learningRate: 0.005 }
  const cropped = cropPrior(prior, settings.neighbourhood)

  async function train(given: Prior, memoryLimit?: number) {
    const { model, variables } = makeNetwork(architecture)
    const trainer = new Trainer(device.gpu, model, variables, given, settings, undefined, { memoryLimit })
    const preparation = await trainer.prepare(scans)
    const steps: TrainingStep[] = []
    for await (const step of trainer.train(scans)) steps.push(step)
    trainer.dispose()
    variables.dispose()
    return { steps, preparation }
  }

  it('starts from the same segmentation and divergence', async () => {
    const [whole] = (await train(prior)).steps
    const [region] = (await train(cropped)).steps
    expect(region!.dice).toEqual(whole!.dice)
    expect(Math.abs(region!.klLoss - whole!.klLoss) / whole!.klLoss).toBeLessThan(1e-5)
    // What lies outside is not explained.
    expect(region!.meanSquaredError).toBeGreaterThan(0)
    expect(region!.meanSquaredError).not.toBe(whole!.meanSquaredError)
  })

  it('takes the same steps slab by slab', async () => {
    const { steps, preparation } = await train(cropped)
    const tight = await train(cropped, preparation.bytes - 1)
    expect(tight.preparation.slabs).toBeGreaterThan(1)
    expect(tight.steps.map(({ loss }) => loss)).toEqual(steps.map(({ loss }) => loss))
  })

  it('lowers the cross-entropy of pretraining', async () => {
    const model = createModel(architecture, 2)
    const variables = new Variables(device.gpu)
    const pretraining = { ...defaultPretraining, epochs: 6, learningRate: 0.005 }
    const pretrainer = new Pretrainer(device.gpu, model, variables, cropped, pretraining)
    const entropies: number[] = []
    for await (const { crossEntropy } of pretrainer.train(scans)) entropies.push(crossEntropy)
    pretrainer.dispose()
    variables.dispose()
    expect(entropies.at(-1)).toBeLessThan(0.98 * entropies[0]!)
  })
})
