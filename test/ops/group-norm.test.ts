import { describe, expect, it } from 'vitest'
import { input, parameter } from '../../src/graph/value.js'
import { groupNorm } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import * as reference from '../reference/group-norm.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(21)

describe('group_norm', () => {
  for (const [batch, channels, groups] of [
    [1, 14, 7],
    [2, 6, 3],
    [3, 5, 1],
    [2, 3, 3],
  ] as const)
    // prettier-ignore
    for (const extent of extents) {
      const shape = [batch, channels, ...extent]
      // A group of one number becomes 0 and its gradient too: nothing to be relative to.
      if (extent.join() === '1,1,1' && channels === groups) continue
      it(`[${shape.join(', ')}] in ${groups}`, () => expectNormalised(shape, groups))
    }

  it('without weight and bias', async () => {
    const x = draw([2, 6, 3, 5, 7], -2, 3)
    await expectReference(device.gpu, {
      feeds: { x },
      build: (v) => groupNorm(v.x!, 2),
      expected: reference.forward(x, 2, null, null),
      backward: (g) => ({ x: reference.backward(g, x, 2, null).gradInput }),
      tolerance: 2e-6,
    })
  })

  it('a mean far from zero, another epsilon', () => expectNormalised([2, 4, 5, 7, 11], 2, 99, 0.1))

  it('refuses groups that are not equal, and a weight of another size', () => {
    const x = input('x', [1, 6, 2, 2, 2])
    expect(() => groupNorm(x, 4)).toThrow('group_norm: 6 channels do not make 4 equal groups')
    expect(() => groupNorm(x, 0)).toThrow('6 channels do not make 0 equal groups')
    const weight = parameter('w', [5], new Float32Array(5))
    expect(() => groupNorm(x, 2, weight)).toThrow('w [5] must have a number for each of 6 channels')
  })

  it.each([NaN, -1, 0, 1e-50])('refuses an epsilon of %d', (epsilon) => {
    expect(() => groupNorm(input('x', [1, 6, 2, 2, 2]), 2, undefined, undefined, { epsilon })).toThrow(
      `group_norm: epsilon must be a number above 0, not ${epsilon}`,
    )
  })
})

async function expectNormalised(
  shape: readonly number[],
  groups: number,
  low = -2,
  epsilon = 1e-5,
): Promise<void> {
  const x = draw(shape, low, low + 5)
  const [w, b] = [draw([shape[1]!], 0.5, 2), draw([shape[1]!])]
  await expectReference(device.gpu, {
    feeds: { x, w, b },
    build: (v) => groupNorm(v.x!, groups, v.w, v.b, { epsilon }),
    expected: reference.forward(x, groups, w, b, epsilon),
    backward: (g) => {
      const { gradInput, gradWeight, gradBias } = reference.backward(g, x, groups, w, epsilon)
      return { x: gradInput, w: gradWeight, b: gradBias }
    },
    tolerance: 5e-6,
    saturates: true,
  })
}
