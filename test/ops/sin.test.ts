import { describe, expect, it } from 'vitest'
import { cos, sin } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import * as reference from '../reference/sin.js'
import { maxAbsError } from '../reference/nd-array.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(34)

describe.each([
  ['sin', sin],
  ['cos', cos],
] as const)('%s', (name, f) => {
  for (const shape of [...extents.map((extent) => [2, 3, ...extent]), [4097]])
    it(`[${shape.join(', ')}]`, () => {
      const x = draw(shape, -6, 6)
      return expectReference(device.gpu, {
        feeds: { x },
        build: (v) => f(v.x!),
        expected: reference.forward(name, x),
        backward: (g) => ({ x: reference.backward(name, g, x).gradInput }),
      })
    })

  // Roundings of 1 by themselves, because a norm would not see the largest.
  it.each([0.1, 1, 10, 1000, 8192])('every number from -%s to %s', async (most) => {
    const x = draw([9973], -most, most)
    const { y } = await evaluate(device.gpu, { x }, (v) => ({ y: f(v.x!) }))
    expect(maxAbsError(y, reference.forward(name, x))).toBeLessThan(1.5e-7)
  })
})
