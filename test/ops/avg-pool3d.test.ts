import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { avgPool3d } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import * as reference from '../reference/avg-pool3d.js'
import { drawFrom, expectReference } from './check.js'
import { poolings } from './poolings.js'

const device = useGpu()
const draw = drawFrom(5)

describe('avg_pool3d', () => {
  it.each(poolings)('%j of %j', async (options, shape) => {
    const x = draw(shape)
    await expectReference(device.gpu, {
      feeds: { x },
      build: (v) => avgPool3d(v.x!, options),
      expected: reference.forward(x, options),
      backward: (gradOutput) => ({ x: reference.backward(gradOutput, x, options).gradInput }),
    })
  })

  it('refuses what does not fit', () => {
    const x = input('x', [1, 1, 3, 3, 3])
    expect(() => avgPool3d(x, { kernelSize: [1, 4, 1] })).toThrow(
      'avg_pool3d: kernel 1x4x1 is larger than the padded input [3, 3, 3]',
    )
    expect(() => avgPool3d(x, { kernelSize: 3, padding: [1, 2, 1] })).toThrow(
      'avg_pool3d: padding [1, 2, 1] is more than half of the kernel 3x3x3',
    )
    expect(() => avgPool3d(x, { kernelSize: 2, stride: 0 })).toThrow(
      'avg_pool3d: stride must be a whole number of at least 1',
    )
  })
})
