import { describe, expect, it } from 'vitest'
import { input } from '../../src/autograd/value.js'
import { fit } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import * as reference from '../reference/fit.js'
import { drawFrom, expectReference } from './check.js'

const device = useGpu()
const draw = drawFrom(15)

const cases: { from: number[]; to: [number, number, number] }[] = [
  { from: [1, 1, 1, 1, 1], to: [16, 16, 16] },
  { from: [2, 3, 7, 11, 13], to: [16, 16, 16] },
  { from: [2, 14, 7, 11, 13], to: [3, 5, 7] },
  { from: [3, 2, 5, 3, 7], to: [2, 5, 7] },
  { from: [3, 2, 2, 5, 1], to: [5, 2, 33] },
  { from: [1, 1, 1, 5, 33], to: [1, 5, 32] },
]

describe('fit', () => {
  for (const { from, to } of cases) {
    it(`[${from.join(', ')}] to ${to.join('x')}`, () => {
      const x = draw(from)
      return expectReference(device.gpu, {
        feeds: { x },
        build: (v) => fit(v.x!, to),
        expected: reference.forward(x, to),
        backward: (gradOutput) => ({ x: reference.backward(gradOutput, x).gradInput }),
        tolerance: 0,
      })
    })
  }

  it('is the input itself where nothing changes', () => {
    const x = input('x', [2, 3, 4, 5, 6])
    expect(fit(x, [4, 5, 6])).toBe(x)
  })
})
