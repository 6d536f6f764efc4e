import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { clamp } from '../../src/ops/index.js'
import { differentiate, useGpu } from '../gpu.js'
import { fromArray } from '../reference/nd-array.js'
import * as reference from '../reference/clamp.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(32)

const limits: readonly (readonly [min?: number | undefined, max?: number])[] = [
  [-0.5, 0.25],
  [0],
  [undefined, 0.5],
  [1, -1],
]

describe('clamp', () => {
  for (const shape of [...extents.map((extent) => [2, 3, ...extent]), [4097]])
    it.each(limits)(`[${shape.join(', ')}] to %s .. %s`, (min, max) => {
      const x = draw(shape)
      return expectReference(device.gpu, {
        feeds: { x },
        build: (v) => clamp(v.x!, min, max),
        expected: reference.forward(x, min, max),
        backward: (g) => ({ x: reference.backward(g, x, min, max).gradInput }),
      })
    })

  it('passes the gradient on at its limits, and NaN', async () => {
    const x = fromArray([6], [-3, -1, 0, 2, 3, NaN])
    const results = await differentiate(device.gpu, { x }, ['x'], fromArray([6], [1, 2, 3, 4, 5, 6]), (v) =>
      clamp(v.x!, -1, 2),
    )
    expect([...results.output!.data]).toEqual([-1, -1, 0, 2, 2, NaN])
    expect([...results['grad x']!.data].slice(0, 5)).toEqual([0, 2, 3, 4, 0])
  })

  it('refuses limits that are NaN', () => {
    expect(() => clamp(input('x', [3]), NaN)).toThrow('clamp: the limits are NaN and Infinity')
  })
})
