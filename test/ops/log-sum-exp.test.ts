import { describe, it } from 'vitest'
import { logSumExp } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import * as reference from '../reference/log-sum-exp.js'
import { map, type NdArray } from '../reference/nd-array.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(6)

const inputs: Record<string, NdArray> = {
  ...Object.fromEntries(
    [[1, 14], [2, 1], [3, 5]].flatMap(([batch, channels]) =>
      extents.map((extent) => {
        const shape = [batch!, channels!, ...extent]
        return [`[${shape.join(', ')}]`, draw(shape, -8, 8)]
      }),
    ), // prettier-ignore
  ),
  'too many channels for registers': draw([2, 33, 2, 3, 5], -8, 8),
  'far apart': draw([1, 14, 2, 3, 5], -200, 200),
  'some at -1e12': map(draw([2, 14, 3, 3, 5], -5, 5), (x, i) => (i % 3 === 0 ? Math.fround(x - 1e12) : x)),
}

describe('log_sum_exp', () => {
  it.each(Object.entries(inputs))('%s', (_, x) =>
    expectReference(device.gpu, {
      feeds: { x },
      build: (v) => logSumExp(v.x!),
      expected: reference.forward(x),
      backward: (gradOutput) => ({ x: reference.backward(gradOutput, x).gradInput }),
    }),
  )
})
