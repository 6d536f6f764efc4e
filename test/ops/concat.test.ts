import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { concat } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import * as reference from '../reference/concat.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(4)

describe('concat', () => {
  for (const [batch, ...channels] of [
    [1, 1],
    [2, 3, 1, 14],
    [3, 4, 4],
    [1, 65, 2],
  ])
    // prettier-ignore
    for (const extent of extents) {
      it(`batch ${batch!}, ${channels.join(' + ')} channels of ${extent.join('x')}`, async () => {
        const arrays = channels.map((count) => draw([batch!, count, ...extent]))
        const names = arrays.map((_, i) => `x${i}`)
        await expectReference(device.gpu, {
          feeds: Object.fromEntries(arrays.map((array, i) => [`x${i}`, array])),
          build: (v) => concat(names.map((name) => v[name]!)),
          expected: reference.forward(arrays),
          backward: (gradOutput) => {
            const { gradInputs } = reference.backward(gradOutput, arrays)
            return Object.fromEntries(gradInputs.map((gradient, i) => [`x${i}`, gradient]))
          },
          tolerance: 0,
        })
      })
    }

  it('refuses nothing, and volumes of other extents', () => {
    expect(() => concat([])).toThrow('nothing to concatenate')
    const [a, b] = [input('a', [1, 2, 3, 4, 5]), input('b', [1, 2, 3, 4, 6])]
    expect(() => concat([a, b])).toThrow(
      'a [1, 2, 3, 4, 5] and b [1, 2, 3, 4, 6] differ in more than channels',
    )
  })
})
