import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { crop, fit } from '../../src/ops/index.js'
import type { Triple } from '../../src/ops/shared/triple.js'
import { useGpu } from '../gpu.js'
import * as reference from '../reference/fit.js'
import { drawFrom, expectReference } from './check.js'

const device = useGpu()
const draw = drawFrom(15)

const cases: { from: number[]; to: Triple; start?: Triple }[] = [
  { from: [1, 1, 1, 1, 1], to: [16, 16, 16] },
  { from: [2, 3, 7, 11, 13], to: [16, 16, 16] },
  { from: [2, 14, 7, 11, 13], to: [3, 5, 7] },
  { from: [3, 2, 5, 3, 7], to: [2, 5, 7] },
  { from: [3, 2, 2, 5, 1], to: [5, 2, 33] },
  { from: [1, 1, 1, 5, 33], to: [1, 5, 32] },
  { from: [2, 3, 7, 11, 13], to: [3, 5, 6], start: [2, 1, 7] },
  { from: [2, 3, 7, 11, 13], to: [7, 11, 13], start: [1, 0, 0] },
  { from: [1, 2, 5, 3, 7], to: [9, 8, 16], start: [-3, -2, -5] },
  { from: [3, 2, 5, 4, 7], to: [4, 7, 3], start: [3, -2, 5] },
  { from: [2, 3, 3, 5, 20], to: [2, 6, 8], start: [1, -1, 8] },
  { from: [1, 2, 3, 5, 8], to: [5, 4, 20], start: [-2, 1, -4] },
  { from: [1, 2, 3, 5, 8], to: [3, 5, 8], start: [0, 0, 2] },
  { from: [1, 1, 2, 3, 2], to: [2, 2, 2], start: [5, -7, 0] },
]

describe('fit', () => {
  for (const { from, to, start } of cases) {
    it(`[${from.join(', ')}] to ${to.join('x')} from [${String(start ?? 0)}]`, () => {
      const x = draw(from)
      return expectReference(device.gpu, {
        feeds: { x },
        build: (v) => fit(v.x!, to, start),
        expected: reference.forward(x, to, start),
        backward: (gradOutput) => ({ x: reference.backward(gradOutput, x, start).gradInput }),
        tolerance: 0,
      })
    })
  }

  it('crops to a box, and refuses one beyond the volume', () => {
    const x = input('x', [2, 3, 4, 5, 6])
    expect(crop(x, { start: [1, 0, 2], stop: [4, 5, 3] }).shape).toEqual([2, 3, 3, 5, 1])
    expect(crop(x, { start: [0, 0, 0], stop: [4, 5, 6] })).toBe(x)
    expect(() => crop(x, { start: [0, 0, 0], stop: [4, 6, 6] })).toThrow('crop: [0, 0, 0] to [4, 6, 6]')
  })

  it('is the input itself if nothing changes', () => {
    const x = input('x', [2, 3, 4, 5, 6])
    expect(fit(x, [4, 5, 6])).toBe(x)
  })
})
