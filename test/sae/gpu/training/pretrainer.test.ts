import { describe, expect, it } from 'vitest'
import { Variables } from '../../../../src/plan/variables.js'
import { createModel } from '../../../../src/sae/model.js'
import { Pretrainer } from '../../../../src/sae/training/pretrainer.js'
import { Segmenter } from '../../../../src/sae/segmenter.js'
import { defaultPretraining } from '../../../../src/sae/settings.js'
import { useGpu } from '../../../gpu.js'
import { architecture, prior, scans } from '../small-study.js'

const device = useGpu()

describe('pretrainer and segmenter', () => {
  it('learns the prior, and refinement changes the segmentation but not the grid', async () => {
    const model = createModel(architecture, 1)
    const variables = new Variables(device.gpu)
    const pretrainer = new Pretrainer(device.gpu, model, variables, prior, {
      ...defaultPretraining,
      epochs: 15,
      learningRate: 5e-3,
    })
    const entropies: number[] = []
    for await (const step of pretrainer.train(scans)) entropies.push(step.crossEntropy)
    expect(entropies.at(-1)!).toBeLessThan(0.6 * entropies[0]!)
    pretrainer.dispose()

    const results = []
    for (const rounds of [0, 3]) {
      const segmenter = await Segmenter.create(device.gpu, model, variables, prior, {
        rounds,
        beta: 0.2,
        posterior: true,
      })
      const { classes: labels, posterior } = await segmenter.segment(scans[0]!.data)
      const voxels = labels.length
      for (const voxel of [0, 1000, voxels - 1]) {
        const channels = Array.from({ length: prior.classes }, (_, c) => posterior![c * voxels + voxel]!)
        expect(channels.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5)
        expect(channels.indexOf(Math.max(...channels))).toBe(labels[voxel])
      }
      // No class where the prior gives it no probability.
      labels.forEach((label, i) => {
        if (prior.data[label * voxels + i]! < 1e-8) expect.fail(`class ${label} outside its support`)
      })
      results.push(labels)
      segmenter.dispose()
    }
    expect(results[1]).toHaveLength(results[0]!.length)
    expect(results[1]).not.toEqual(results[0])
    variables.dispose()
  })
})
