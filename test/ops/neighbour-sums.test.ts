import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { neighbourSums } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import * as reference from '../reference/neighbour-sums.js'
import { map } from '../reference/nd-array.js'
import { drawFrom, expectReference } from './check.js'

const device = useGpu()
const draw = drawFrom(17)

/** Volumes smaller than the radius, lines as long as a run (16; 8 along z), one longer, and with a rest. */
const cases = [
  { shape: [1, 1, 1, 1, 1], sizes: [3, 21] },
  { shape: [2, 3, 2, 3, 5], sizes: [3, 5, 7, 21] },
  { shape: [1, 2, 7, 11, 13], sizes: [3, 7, 21] },
  { shape: [1, 1, 8, 16, 16], sizes: [3, 17] },
  { shape: [2, 1, 9, 17, 17], sizes: [3, 19] },
  { shape: [3, 2, 33, 1, 2], sizes: [5, 21] },
]

describe.each(cases)('neighbour_sums of $shape', ({ shape, sizes }) => {
  const x = draw(shape)
  it.each(sizes)('k = %i', (k) =>
    expectReference(device.gpu, {
      feeds: { x },
      build: (v) => neighbourSums(v.x!, k),
      expected: reference.forward(x, k),
      backward: (gradOutput) => ({ x: reference.backward(gradOutput, k).gradPi }),
    }),
  )
})

describe('neighbour_sums', () => {
  it('count k^3 - 1 neighbours everywhere, edges included', async () => {
    const ones = map(draw([1, 2, 4, 3, 19]), () => 1)
    await expectReference(device.gpu, {
      feeds: { ones },
      build: (v) => neighbourSums(v.ones!, 21),
      expected: map(ones, () => 21 ** 3 - 1),
      backward: () => ({}),
      tolerance: 0,
    })
  })

  it('refuses even, small and large neighbourhoods', () => {
    const x = input('x', [1, 3, 2, 2, 2])
    for (const k of [0, 1, 4, 23, 3.5, NaN]) {
      expect(() => neighbourSums(x, k)).toThrow(
        `the MRF neighbourhood must be an odd number from 3 to 21, not ${k}`,
      )
    }
  })
})
