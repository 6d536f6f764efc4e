import { describe, expect, it } from 'vitest'
import { Pullback } from '../../src/register/pullback.js'
import { withShells } from '../../src/register/shells.js'
import { addVotes, voteLabels } from '../../src/register/votes.js'
import { affine, diagonal } from '../../src/sae/synth/affine.js'

const grid = { shape: [1, 1, 6] as const, toWorld: affine(diagonal([1, 1, 1]), [0, 0, 0]) }
const shifted = (by: number): Pullback =>
  new Pullback(grid, grid, { map: affine(diagonal([1, 1, 1]), [0, 0, by]) })
const labels = Float64Array.of(0, 17, 17, 5000, 0, 0)

describe('voteLabels', () => {
  it('takes the label with the larger share, and 0 beyond the map', () => {
    expect([...voteLabels(labels, shifted(0.3))]).toEqual([0, 17, 17, 5000, 0, 0])
    expect([...voteLabels(labels, shifted(2.6))]).toEqual([5000, 0, 0, 0, 0, 0])
  })
})

describe('addVotes', () => {
  it('adds the shares of classes; they sum to what a map adds', () => {
    const prior = new Float32Array(3 * 6)
    addVotes(Uint8Array.of(0, 1, 1, 2, 0, 0), shifted(0.25), prior, 0.5)
    expect([...prior.subarray(6, 12)]).toEqual([0.125, 0.5, 0.375, 0, 0, 0])
    expect([...prior.subarray(12)]).toEqual([0, 0, 0.125, 0.375, 0, 0])
    for (let i = 0; i < 6; i++) expect(prior[i]! + prior[6 + i]! + prior[12 + i]!).toBeCloseTo(0.5, 6)
  })
})

describe('withShells', () => {
  it('numbers the background by its steps from a label', () => {
    const near = withShells(Uint8Array.of(0, 0, 0, 2, 1, 0, 0), [1, 1, 7], 3, 2)
    expect([...near]).toEqual([0, 4, 3, 2, 1, 3, 4])
  })
})
