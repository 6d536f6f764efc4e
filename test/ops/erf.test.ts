import { describe, expect, it } from 'vitest'
import { add, erf, gelu, multiply } from '../../src/ops/index.js'
import { differentiate, evaluate, useGpu } from '../gpu.js'
import * as reference from '../reference/erf.js'
import { fromArray, map, relativeError } from '../reference/nd-array.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(51)

describe('erf', () => {
  for (const shape of [...extents.map((extent) => [2, 3, ...extent]), [4097]])
    it(`[${shape.join(', ')}]`, () => {
      const x = draw(shape, -4, 4)
      return expectReference(device.gpu, {
        feeds: { x },
        build: (v) => erf(v.x!),
        expected: reference.forward(x),
        backward: (g) => ({ x: reference.backward(g, x).gradInput }),
      })
    })

  // Each by itself, because a norm would not see what happens near 0.
  it('is accurate to 2e-7 of each value, and far from 0 nothing overflows', async () => {
    const sizes = [0, 1e-30, 1e-6, 1e-3, 0.3, 0.7, 0.89, 0.9, 0.91, 1.2, 2, 3, 4, 9, 12, 1e3, 1e30]
    const some = sizes.flatMap((size) => [size, -size]).concat([...draw([9961], -4, 4).data])
    const x = fromArray([some.length], some.map(Math.fround))
    const ones = map(x, () => 1)
    const results = await differentiate(device.gpu, { x }, ['x'], ones, (v) => erf(v.x!))
    const { gradInput } = reference.backward(ones, x)
    reference.forward(x).data.forEach((expected, i) => {
      const message = `erf(${x.data[i]})`
      expect(Math.abs(results.output!.data[i]! - expected), message).toBeLessThanOrEqual(
        2e-7 * Math.abs(expected),
      )
      const slope = gradInput.data[i]!
      // Below 2^-126, numbers lose digits or become 0.
      expect(Math.abs(results['grad x']!.data[i]! - slope), message).toBeLessThanOrEqual(4e-6 * slope + 1e-37)
    })
  })

  it('of NaN is NaN', async () => {
    for (const length of [4, 5]) {
      const x = fromArray([length], [NaN, 1, NaN, 0, NaN].slice(0, length))
      const { y } = await evaluate(device.gpu, { x }, (v) => ({ y: erf(v.x!) }))
      expect([...y.data].map(Number.isNaN)).toEqual([...x.data].map(Number.isNaN))
    }
  })

  it('makes GELU as PyTorch exports it', async () => {
    const x = draw([2, 3, 4, 5, 6], -6, 6)
    const { composed, y } = await evaluate(device.gpu, { x }, ({ x }) => ({
      composed: multiply(multiply(x!, add(erf(multiply(x!, Math.SQRT1_2)), 1)), 0.5),
      y: gelu(x!),
    }))
    expect(relativeError(composed, y)).toBeLessThan(1e-6)
  })
})
