import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { upsampleTrilinear } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import * as reference from '../reference/upsample-trilinear.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(6)

describe('upsample_trilinear', () => {
  for (const scale of [1, 2, 3, [1, 2, 5], [4, 1, 3]] as const)
    for (const extent of extents) {
      const shape = [2, 3, ...extent]
      it(`[${shape.join(', ')}] by ${JSON.stringify(scale)}`, async () => {
        const x = draw(shape)
        await expectReference(device.gpu, {
          feeds: { x },
          build: (v) => upsampleTrilinear(v.x!, scale),
          expected: reference.forward(x, scale),
          backward: (gradOutput) => ({ x: reference.backward(gradOutput, scale).gradInput }),
        })
      })
    }

  it('refuses what does not fit', () => {
    expect(() => upsampleTrilinear(input('x', [3, 4]), 2)).toThrow('a volume [N,C,D,H,W] is needed')
    expect(() => upsampleTrilinear(input('x', [1, 1, 2, 2, 2]), 1.5)).toThrow(
      'upsample_trilinear: scale must be a whole number of at least 1, or three [d, h, w], not [1.5, 1.5, 1.5]',
    )
  })
})
