import { describe, expect, it } from 'vitest'
import { boxShape, type Box } from '../../../src/ops/shared/box.js'
import { Random } from '../../../src/sae/phantom/random.js'
import type { Prior } from '../../../src/sae/prior/prior.js'
import { mrfTableOf } from '../../../src/sae/prior/mrf-table.js'
import { priorFromLabels } from '../../../src/sae/prior/prior-from-labels.js'
import { cropPrior, cropVolume, onWholeGrid, pasteVolume, supportBox } from '../../../src/sae/prior/region.js'
import { batchDice } from '../../../src/sae/metrics/dice.js'
import type { SpatialShape } from '../../../src/sae/shape.js'

const at = ([, H, W]: SpatialShape, d: number, h: number, w: number): number => (d * H + h) * W + w

function numbers(length: number): Float32Array {
  const random = new Random(4)
  return Float32Array.from({ length }, () => random.uniform())
}

describe('cropVolume and pasteVolume', () => {
  const boxes: [SpatialShape, Box][] = [
    [[7, 11, 13], { start: [2, 0, 5], stop: [5, 11, 6] }],
    [[5, 1, 3], { start: [0, 0, 1], stop: [5, 1, 3] }],
    [[4, 5, 6], { start: [0, 0, 0], stop: [4, 5, 6] }],
  ]
  for (const [shape, box] of boxes) {
    it(`are inverse in a box of ${boxShape(box).join('x')} of ${shape.join('x')} voxels`, () => {
      const channels = 3
      const volume = numbers(channels * shape[0] * shape[1] * shape[2])
      const cropped = cropVolume(volume, shape, box, channels)
      const pasted = pasteVolume(cropped, shape, box, [7, 8, 9])
      expect(pasted).toHaveLength(volume.length)
      volume.forEach((value, i) => {
        const [, H, W] = shape
        const voxel = [Math.floor(i / (H * W)) % shape[0], Math.floor(i / W) % H, i % W]
        const within = voxel.every((n, axis) => n >= box.start[axis]! && n < box.stop[axis]!)
        const c = Math.floor(i / (shape[0] * H * W))
        expect(pasted[i]).toBe(within ? value : 7 + c)
      })
      expect(cropVolume(pasted, shape, box, channels)).toEqual(cropped)
    })
  }

  it('keep the kind of numbers', () => {
    const box: Box = { start: [0, 0, 1], stop: [1, 1, 3] }
    expect(cropVolume(Uint8Array.of(1, 2, 3), [1, 1, 3], box)).toEqual(Uint8Array.of(2, 3))
    expect(pasteVolume(Uint8Array.of(2, 3), [1, 1, 3], box)).toEqual(Uint8Array.of(0, 2, 3))
  })

  it('refuse a box that does not lie in the volume, and another number of values', () => {
    const shape: SpatialShape = [2, 3, 4]
    const volume = new Float32Array(24)
    const box: Box = { start: [0, 1, 1], stop: [2, 3, 3] }
    const beyond: Box = { start: [0, 1, 1], stop: [2, 3, 5] }
    const empty: Box = { start: [0, 1, 1], stop: [0, 3, 3] }
    for (const wrong of [beyond, empty]) {
      expect(() => cropVolume(volume, shape, wrong)).toThrow(/^cropVolume: .* is not a box in \[2, 3, 4\]/)
      const values = new Float32Array(
        Math.max(
          0,
          boxShape(wrong).reduce((a, b) => a * b),
        ),
      )
      expect(() => pasteVolume(values, shape, wrong)).toThrow(/^pasteVolume: .* is not a box in \[2, 3, 4\]/)
    }
    expect(() => cropVolume(volume, shape, box, 2)).toThrow('cropVolume: 24 values, not 48')
    expect(() => cropVolume(volume.subarray(1), shape, box)).toThrow('cropVolume: 23 values, not 24')
    expect(() => pasteVolume(new Float32Array(8), shape, box, [0, 1])).toThrow(
      'pasteVolume: 8 values, not 16',
    )
    expect(() => pasteVolume(new Float32Array(9), shape, box)).toThrow('pasteVolume: 9 values, not 8')
  })
})

/** Background everywhere but for class 1 or 2 at some voxels, with this probability. */
function priorWith(shape: SpatialShape, voxels: readonly [number, number, number][], p = 0.5): Prior {
  const size = shape[0] * shape[1] * shape[2]
  const data = new Float32Array(3 * size).fill(1, 0, size)
  voxels.forEach(([d, h, w], i) => {
    data[at(shape, d, h, w)] = 1 - p
    data[(1 + (i % 2)) * size + at(shape, d, h, w)] = p
  })
  return { data, classes: 3, shape: [...shape] }
}

describe('supportBox', () => {
  const shape: SpatialShape = [21, 22, 40]

  it('holds every class but the background', () => {
    const prior = priorWith(shape, [
      [4, 9, 17],
      [10, 6, 30],
    ])
    expect(supportBox(prior)).toEqual({ start: [4, 6, 17], stop: [11, 10, 31] })
  })

  it('leaves out the classes that the support mask rules out', () => {
    expect(supportBox(priorWith(shape, [[4, 9, 17]], 1e-8))).toEqual({ start: [4, 9, 17], stop: [5, 10, 18] })
    expect(supportBox(priorWith(shape, [[4, 9, 17]], 9e-9))).toEqual({ start: [0, 0, 0], stop: [...shape] })
  })
})

describe('cropPrior', () => {
  const shape: SpatialShape = [30, 31, 40]
  const K = 4
  const random = new Random(8)
  const labels = new Uint8Array(30 * 31 * 40)
  for (let d = 10; d < 19; d++)
    for (let h = 12; h < 17; h++)
      for (let w = 16; w < 25; w++) labels[at(shape, d, h, w)] = Math.floor(4 * random.uniform())
  const prior: Prior = { data: priorFromLabels(labels, shape, K, { sigma: 1 }), classes: K, shape }

  it('keeps the data of the support with a margin for the network and the MRF', () => {
    const cropped = cropPrior(prior)
    // The labels in [10, 19) x [12, 17) x [16, 25), 3 voxels of blur, 2 of the network, and what suits the kernels.
    expect(cropped.region).toEqual({ start: [4, 6, 8], stop: [24, 22, 32] })
    expect(cropped.data).toEqual(cropVolume(prior.data, shape, cropped.region!, K))
    expect(cropPrior(prior, 9).region).toEqual({ start: [2, 4, 8], stop: [26, 24, 32] })
    expect(cropPrior(prior, 17).region).toEqual({ start: [0, 0, 4], stop: [30, 28, 36] })
    expect(cropPrior(cropped)).toBe(cropped)
  })

  it('grows towards the start if there is no room at the end', () => {
    const corner = priorWith(shape, [[26, 28, 37]])
    expect(cropPrior(corner).region).toEqual({ start: [24, 24, 32], stop: [30, 31, 40] })
    const odd = priorWith([9, 9, 21], [[8, 3, 18]])
    expect(cropPrior(odd).region).toEqual({ start: [4, 0, 12], stop: [9, 6, 21] })
  })

  it('is the prior itself if nothing can be cut', () => {
    const full = priorWith(shape, [
      [0, 0, 0],
      [29, 30, 39],
    ])
    expect(cropPrior(full)).toBe(full)
  })

  it('changes neither the MRF table nor the Dice', () => {
    const cropped = cropPrior(prior)
    expect(mrfTableOf(cropped, 5)).toEqual(mrfTableOf(prior, 5))
    const part = cropVolume(labels, shape, cropped.region!)
    expect(onWholeGrid(part, cropped)).toEqual(labels)
    // The truth reaches beyond the region.
    const truth = labels.map((label, i) => (i % 7 === 0 ? 3 : label))
    const expected = batchDice(Uint32Array.from(labels), [truth], prior)
    expect(expected![3]).toBeLessThan(0.5)
    expect(batchDice(Uint32Array.from(part), [truth], cropped)).toEqual(expected)
  })
})
