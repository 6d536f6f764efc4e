import { describe, expect, it } from 'vitest'
import { logMrfTable, mrfTable, pointwiseMrfTable } from '../../../src/sae/prior/mrf-table.js'
import { Random } from '../../../src/sae/phantom/random.js'
import type { SpatialShape } from '../../../src/sae/shape.js'
import { userError } from '../../io/support.js'
import { openGolden } from '../../reference/golden.js'
import * as reference from '../../reference/mrf.js'
import { fromArray } from '../../reference/nd-array.js'

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length)
  const worst = Array.from(actual, (value, i) => [Math.abs(value - expected[i]!), i] as const).find(
    ([difference]) => !(difference <= tolerance),
  )
  expect(worst).toBeUndefined()
}

describe('mrfTable', () => {
  it.each<[SpatialShape, number]>([
    [[6, 5, 7], 3],
    [[8, 9, 4], 5],
    [[5, 2, 3], 9], // the cube reaches beyond both edges
  ])('counts neighbours in %j with k = %i as the plain loop does', (shape, k) => {
    const random = new Random(11)
    const K = 5 // class 3 is absent; class 4 is one voxel
    const voxels = shape[0] * shape[1] * shape[2]
    const classes = Uint8Array.from({ length: voxels }, () => Math.floor(random.uniform() * 3))
    classes[Math.floor(voxels / 3)] = 4
    const table = mrfTable(classes, shape, K, k)
    expectClose(table, reference.mrfTable(fromArray(shape, classes), K, k).data, 1e-14)
    expect([...table.subarray(15, 20)]).toEqual([0.2, 0.2, 0.2, 0.2, 0.2])
  })

  it('counts a voxel beyond the edge as the edge voxel itself', () => {
    // Two voxels: of its 26 neighbours each sees 9 copies of the other, and itself 17 times.
    const table = mrfTable(Uint8Array.of(0, 1), [1, 1, 2], 2, 3)
    expectClose(table, [17 / 26, 9 / 26, 9 / 26, 17 / 26], 1e-15)
  })

  it.each([1, 2, 4, 23, 3.5, NaN])('refuses k = %d', (k) => {
    expect(userError(() => mrfTable(new Uint8Array(8), [2, 2, 2], 2, k))).toContain(
      `an odd number from 3 to 21, not ${k}`,
    )
  })
})

describe('logMrfTable', () => {
  it('adds 1e-12, normalises the rows and takes the logarithm', () => {
    expectClose(
      logMrfTable(Float64Array.of(1, 0, 0.25, 0.75)),
      [0, Math.log(1e-12), Math.log(0.25), Math.log(0.75)],
      2e-6,
    )
  })
})

describe('pointwiseMrfTable', () => {
  it('is that of the plain loop, absent classes included', () => {
    const shape: SpatialShape = [6, 5, 7]
    const random = new Random(12)
    const K = 5 // class 3 is absent; class 4 is one voxel
    const classes = Uint8Array.from({ length: 210 }, () => Math.floor(random.uniform() * 3))
    classes[122] = 4
    const shares = Array.from({ length: K }, (_, c) => classes.filter((found) => found === c).length / 210)
    const table = mrfTable(classes, shape, K, 3)
    const pointwise = pointwiseMrfTable(table, Float64Array.from(shares))
    expectClose(pointwise, reference.pointwiseMrfTable(fromArray([K, K], table), shares).data, 1e-6)
    expect([...pointwise.subarray(15, 20)]).toEqual([0, 0, 0, 0, 0])
    expect(pointwise[4 * K + 4]).toBe(-6) // one voxel never meets its own class
  })

  it('is 0 where classes meet as often as by chance, whatever their shares', () => {
    const table = Float64Array.of(0.9, 0.1, 0.9, 0.1)
    expectClose(pointwiseMrfTable(table, Float64Array.of(0.9, 0.1)), [0, 0, 0, 0], 1e-6)
  })

  it('refuses a table of another number of classes', () => {
    expect(() => pointwiseMrfTable(new Float64Array(9), Float64Array.of(0.9, 0.1))).toThrow(
      'MRF table: 9 numbers are not [K, K], K = 2',
    )
    expect(() => logMrfTable(new Float64Array(5))).toThrow('MRF table: 5 numbers are not [K, K], K = 2.2')
  })
})

describe.each(['step_fixed_k3', 'step_nomrf', 'step_estimated_k5'])('golden %s', (name) => {
  const golden = openGolden(`${name}.safetensors`)
  it.skipIf(golden === null)('gives the golden table from the golden classes', () => {
    const { shape, data } = golden!.tensor('prior_classes')
    const table = mrfTable(
      Uint8Array.from(data),
      shape as unknown as SpatialShape,
      14,
      Number(golden!.metadata.k),
    )
    // The golden rows of absent classes are still zero: the 1e-12 makes them uniform, as ours are from the start.
    const expected = golden!
      .tensor('mrf_table')
      .data.map((share, i) => (data.includes(Math.floor(i / 14)) ? share : 1 / 14))
    expectClose(table, expected, 1e-7)
    expectClose(logMrfTable(table), logMrfTable(golden!.tensor('mrf_table').data), 1e-5)
  })
})
