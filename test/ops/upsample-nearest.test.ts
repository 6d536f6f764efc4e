import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { upsampleNearest } from '../../src/ops/index.js'
import { evaluate, useGpu } from '../gpu.js'
import * as reference from '../reference/upsample-nearest.js'
import { drawFrom, expectReference, expectSameBits, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(3)

describe('upsample_nearest', () => {
  for (const [batch, channels] of [
    [1, 3],
    [2, 1],
    [3, 14],
  ])
    // prettier-ignore
    for (const extent of extents) {
      const shape = [batch!, channels!, ...extent]
      it(`[${shape.join(', ')}]`, async () => {
        const x = draw(shape)
        await expectReference(device.gpu, {
          feeds: { x },
          build: (v) => upsampleNearest(v.x!),
          expected: reference.forward(x),
          backward: (gradOutput) => ({ x: reference.backward(gradOutput).gradInput }),
        })
      })
    }

  it.each([1, 3, [1, 2, 5], [4, 3, 1]] as const)('by %j', async (scale) => {
    const x = draw([2, 3, 3, 5, 7])
    await expectReference(device.gpu, {
      feeds: { x },
      build: (v) => upsampleNearest(v.x!, scale),
      expected: reference.forward(x, scale),
      backward: (gradOutput) => ({ x: reference.backward(gradOutput, scale).gradInput }),
    })
  })

  it('more planes than one dispatch may have workgroups', async () => {
    const x = draw([1, 1, 32768, 1, 1])
    const { output } = await evaluate(device.gpu, { x }, (v) => ({ output: upsampleNearest(v.x!) }))
    expectSameBits(output, reference.forward(x), 'output')
  })

  it('refuses what is not a volume, and what is not a whole number', () => {
    expect(() => upsampleNearest(input('x', [1, 1, 2, 2, 2]), [1, 2.5, 1])).toThrow(
      'upsample_nearest: scale must be a whole number of at least 1',
    )
    expect(() => upsampleNearest(input('x', [3, 4]))).toThrow('x: a volume [N,C,D,H,W] is needed, not [3, 4]')
  })
})
