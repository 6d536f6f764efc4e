import { describe, expect, it } from 'vitest'
import { input, parameter } from '../../src/graph/value.js'
import { linear } from '../../src/ops/index.js'
import { useGpu, withOtherTiles } from '../gpu.js'
import * as reference from '../reference/linear.js'
import { drawFrom, expectReference } from './check.js'

const device = useGpu()
const draw = drawFrom(25)

describe('linear', () => {
  // About the 8x8 block of a workgroup and its 16 steps.
  for (const [lead, inputs, outputs] of [
    [[1], 1, 1],
    [[7], 11, 5],
    [[8], 16, 8],
    [[9], 17, 9],
    [[2, 3, 5], 31, 13],
    [[257], 3, 2],
    [[], 100, 7],
    // More rows than one dimension of a dispatch reaches.
    [[8 * 65535 + 3], 1, 1],
    // More rows or outputs than the kernel of CPU drivers needs.
    [[3, 23], 17, 5],
    [[6], 20, 132],
  ] as const)
    for (const biased of [true, false])
      it(`[${[...lead, inputs].join(', ')}] to ${outputs}${biased ? ' with bias' : ''}`, async () => {
        const [x, w, b] = [draw([...lead, inputs]), draw([outputs, inputs]), draw([outputs])]
        const check = () =>
          expectReference(device.gpu, {
            feeds: { x, w, ...(biased ? { b } : {}) },
            build: (v) => linear(v.x!, v.w!, v.b),
            expected: reference.forward(x, w, biased ? b : null),
            backward: (g) => {
              const { gradInput, gradWeight, gradBias } = reference.backward(g, x, w)
              return { x: gradInput, w: gradWeight, ...(biased ? { b: gradBias } : {}) }
            },
          })
        await check()
        // A CPU driver multiplies long matrices by a kernel of their own, any other driver in blocks.
        await withOtherTiles(device.gpu, check)
      })

  it('refuses volumes and shapes that do not fit', () => {
    const flat = (...shape: number[]) =>
      parameter('p', shape, new Float32Array(shape.reduce((a, n) => a * n, 1)))
    expect(() => linear(input('x', [1, 1, 2, 3, 4]), flat(5, 4))).toThrow('x [1, 1, 2, 3, 4] is a volume')
    expect(() => linear(flat(2, 4), flat(5, 3))).toThrow(
      'linear: weight p [5, 3] reads 3 numbers, input p [2, 4] has 4',
    )
    expect(() => linear(flat(2, 4), flat(20))).toThrow('weight must be [outputs, inputs], not p [20]')
    expect(() => linear(flat(2, 4), flat(5, 4), flat(4))).toThrow(
      'bias p [4] has 4 numbers, weight p [5, 4] makes 5',
    )
  })
})
