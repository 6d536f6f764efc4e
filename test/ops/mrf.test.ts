import { describe, expect, it } from 'vitest'
import { input, parameter } from '../../src/graph/value.js'
import { mrfEnergy, mrfMessage } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import * as reference from '../reference/mrf.js'
import { map, type NdArray } from '../reference/nd-array.js'
import { softmax } from '../reference/softmax.js'
import { drawFrom, expectReference } from './check.js'

const device = useGpu()
const draw = drawFrom(12)
const drawPosterior = (shape: readonly number[]): NdArray => map(softmax(draw(shape, -3, 3)), Math.fround)

/** Logarithms of shares down to 1e-12, row by row another: not symmetric. */
const drawTable = (classes: number): NdArray =>
  map(reference.logMrfTable(map(draw([classes, classes], -1, 1), (x) => Math.max(x, 0))), Math.fround)

/** Volumes smaller than the radius, as wide as a run of 16 voxels, one more, and with a rest. */
const cases = [
  { shape: [1, 1, 1, 1, 1], sizes: [3, 5, 7, 21] },
  { shape: [1, 14, 2, 3, 5], sizes: [3, 5, 7, 21] },
  { shape: [2, 2, 7, 11, 13], sizes: [3, 7, 21] },
  { shape: [3, 2, 1, 5, 33], sizes: [3, 5, 21] },
  { shape: [2, 3, 17, 3, 1], sizes: [3, 5, 21] },
  { shape: [1, 2, 3, 17, 16], sizes: [3, 21] },
  { shape: [1, 1, 33, 2, 2], sizes: [3, 7, 21] },
  { shape: [2, 14, 5, 3, 7], sizes: [3, 5, 7] },
  { shape: [1, 64, 3, 2, 5], sizes: [3, 7] },
]

describe.each(cases)('mrf on $shape', ({ shape, sizes }) => {
  const pi = drawPosterior(shape)
  const table = drawTable(shape[1]!)
  for (const k of sizes) {
    it(`message, k = ${k}`, () =>
      expectReference(device.gpu, {
        feeds: { pi, table },
        build: (v) => mrfMessage(v.pi!, v.table!, k),
        expected: reference.mrfMessage(pi, table, k),
        backward: (gradOutput) => ({ pi: reference.mrfMessageBackward(gradOutput, table, k).gradPi }),
      }))

    it(`energy, k = ${k}`, () =>
      expectReference(device.gpu, {
        feeds: { pi, table },
        build: (v) => mrfEnergy(v.pi!, v.table!, k),
        expected: reference.mrfEnergy(pi, table, k),
        backward: (gradOutput) => ({ pi: reference.mrfEnergyBackward(gradOutput, pi, table, k).gradPi }),
      }))
  }
})

describe('mrf', () => {
  it('tells the rows of the table from its columns', async () => {
    // All voxels are of class 0: the message for class c is table[c, 0] times the 26 neighbours.
    const pi = map(draw([1, 2, 3, 3, 3]), (_, i) => (i < 27 ? 1 : 0))
    const table = { shape: [2, 2], data: Float64Array.of(-1, -2, -4, -8) }
    await expectReference(device.gpu, {
      feeds: { pi, table },
      build: (v) => mrfMessage(v.pi!, v.table!, 3),
      expected: map(pi, (_, i) => (i < 27 ? -26 : -104)),
      backward: () => ({}),
      tolerance: 0,
    })
  })

  it('refuses even, small and large neighbourhoods, and a table of another size', () => {
    const pi = input('pi', [1, 3, 2, 2, 2])
    const table = parameter('table', [3, 3], new Float32Array(9))
    for (const k of [0, 1, 4, 23, 3.5, NaN]) {
      expect(() => mrfMessage(pi, table, k)).toThrow(
        `the MRF neighbourhood must be an odd number from 3 to 21, not ${k}`,
      )
      expect(() => mrfEnergy(pi, table, k)).toThrow('the MRF neighbourhood must be an odd number')
    }
    expect(() => mrfMessage(pi, parameter('table', [2, 2], new Float32Array(4)), 3)).toThrow(
      'mrf_message: the table must be [3, 3], not [2, 2]',
    )
  })
})
