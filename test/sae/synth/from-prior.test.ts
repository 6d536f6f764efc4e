import { describe, expect, it } from 'vitest'
import { Random } from '../../../src/sae/phantom/random.js'
import { makePhantom, phantomTable } from '../../../src/sae/phantom/phantom.js'
import { priorArgmax } from '../../../src/sae/prior/prior.js'
import { priorFromLabels } from '../../../src/sae/prior/prior-from-labels.js'
import type { SpatialShape } from '../../../src/sae/shape.js'
import { exponential } from '../../../src/sae/synth/exponential.js'
import { PriorSampler } from '../../../src/sae/synth/from-prior.js'

const shape: SpatialShape = [17, 20, 18]
const voxels = 17 * 20 * 18
const K = phantomTable.classes.length
const { unpaired } = makePhantom({ shape, subjects: 1 })
const data = priorFromLabels(unpaired.labels, shape, K, { sigma: 1.5, floor: 0.02, normalise: true })
const sampler = new PriorSampler({ data, classes: K, shape })

/** Pairs of neighbours along W whose classes differ. */
function edges(labels: Uint8Array): number {
  return labels.reduce((sum, c, i) => sum + (i % 18 > 0 && labels[i - 1] !== c ? 1 : 0), 0)
}

describe('PriorSampler', () => {
  it('draws the argmax of the prior without noise', () => {
    expect(sampler.draw(new Random(1), { strength: 0 })).toEqual(priorArgmax(data, K))
  })

  it('draws the same for the same seed, and another for another', () => {
    expect(sampler.draw(new Random(2))).toEqual(sampler.draw(new Random(2)))
    expect(sampler.draw(new Random(3))).not.toEqual(sampler.draw(new Random(2)))
  })

  it('never draws what the prior rules out, nor a class that is absent', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const labels = sampler.draw(new Random(seed), { strength: 3 })
      expect(labels.every((c, i) => data[c * voxels + i]! > 0)).toBe(true)
    }
    const absent = new Float32Array(3 * 8).fill(0.5)
    absent.fill(0, 8, 16)
    const drawn = new PriorSampler({ data: absent, classes: 3, shape: [2, 2, 2] }).draw(new Random(1))
    expect(drawn.includes(1)).toBe(false)
  })

  it('draws classes about as often as the prior says', () => {
    const [a, b] = [0.8, 0.2]
    const flat = Float32Array.from({ length: 2 * 4096 }, (_, i) => (i < 4096 ? a : b))
    const random = new Random(1)
    const two = new PriorSampler({ data: flat, classes: 2, shape: [16, 16, 16] })
    let drawn = 0
    for (let k = 0; k < 40; k++) drawn += two.draw(random).reduce((sum, c) => sum + c, 0) / 4096 / 40
    expect(drawn).toBeGreaterThan(0.17)
    expect(drawn).toBeLessThan(0.25)
  })

  it('draws smoother boundaries with a longer correlation', () => {
    const rough = sampler.draw(new Random(1), { correlation: [0.5, 0.5, 0.5] })
    const smooth = sampler.draw(new Random(1), { correlation: [6, 6, 6] })
    expect(edges(smooth)).toBeLessThan(0.7 * edges(rough))
  })

  it('takes one voxel', () => {
    const one = new PriorSampler({ data: Float32Array.of(0, 1), classes: 2, shape: [1, 1, 1] })
    expect([...one.draw(new Random(1))]).toEqual([1])
  })
})

describe('exponential', () => {
  it('agrees with Math.exp to 1e-9', () => {
    for (let x = -10; x <= 10; x += 0.37)
      expect(Math.abs(exponential(x) / Math.exp(x) - 1)).toBeLessThan(1e-9)
    expect(exponential(0)).toBe(1)
  })
})
