import { describe, expect, it } from 'vitest'
import { dilatePrior } from '../../../src/sae/prior/dilate-prior.js'

describe('dilatePrior', () => {
  it('takes the largest probability around, and normalises', () => {
    // Along W: class 1 is certain in the first two of six voxels.
    const prior = Float32Array.of(0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0)
    dilatePrior(prior, [1, 1, 6], 2, [0, 0, 1])
    expect([...prior]).toEqual([0, 0.5, 0.5, 1, 1, 1, 1, 0.5, 0.5, 0, 0, 0])
  })

  it('leaves a prior as it is without a radius', () => {
    const prior = Float32Array.of(0.25, 0.5, 0.75, 0.5)
    expect([...dilatePrior(prior.slice(), [1, 1, 2], 2, [0, 0, 0])]).toEqual([...prior])
  })
})
