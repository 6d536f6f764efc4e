import { describe, expect, it } from 'vitest'
import { input } from '../../src/graph/value.js'
import { instanceNorm } from '../../src/ops/index.js'
import { compile } from '../../src/plan/compile.js'
import { evaluate, useGpu } from '../gpu.js'
import * as reference from '../reference/instance-norm.js'
import { map, relativeError, zeros, type NdArray } from '../reference/nd-array.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(11)

describe('instance_norm', () => {
  for (const [batch, channels] of [
    [1, 14],
    [2, 3],
    [3, 1],
  ])
    // prettier-ignore
    for (const extent of extents) {
      const shape = [batch!, channels!, ...extent]
      it(`[${shape.join(', ')}]`, () => expectNormalised(draw(shape, -2, 3)))
    }

  it('a mean far from zero', () => expectNormalised(draw([2, 3, 5, 7, 11], 99, 101), { tolerance: 5e-6 }))

  // Sums are taken about the median of three voxels of the first plane: the first, and those at a third and at half of it.
  it.each([0, 25, 38])('voxel %i far from the others', (outlier) =>
    expectNormalised(map(draw([1, 2, 5, 7, 11]), (x, i) => (i % 385 === outlier ? 300 : x))),
  )

  it('a first voxel very far from the many others', async () => {
    const x = map(draw([1, 2, 24, 32, 40]), (x, i) => (i % 30720 === 0 ? 3000 : x))
    const { y } = await evaluate(device.gpu, { x }, ({ x }) => ({ y: instanceNorm(x!) }))
    expect(relativeError(y, reference.forward(x, null, null))).toBeLessThan(5e-7)
  })

  it('many images, without a dispatch for each', async () => {
    const shape = [300, 2, 1, 3, 5]
    const x = draw(shape, -2, 3)
    await expectNormalised(x, { tolerance: 5e-6 })
    const plan = await compile(device.gpu, { outputs: [instanceNorm(input('x', shape))] })
    expect(plan.dispatches.length).toBeLessThan(10)
    plan.dispose()
  })

  it('a constant channel becomes zeros', () => {
    const x = map(zeros([2, 2, 3, 5, 7]), () => Math.fround(0.1))
    return expectReference(device.gpu, {
      feeds: { x },
      build: (v) => instanceNorm(v.x!),
      expected: zeros(x.shape),
      backward: (gradOutput) => ({ x: reference.backward(gradOutput, x, null).gradInput }),
    })
  })

  it('a channel of one voxel beside zeros', () =>
    expectNormalised(map(draw([1, 2, 3, 5, 7]), (_, i) => (i === 50 ? 1 : 0))))

  it.each([
    [true, true],
    [true, false],
    [false, true],
  ])('weight %s, bias %s', async (weight, bias) => {
    const [x, w, b] = [draw([2, 3, 3, 5, 7], -2, 3), draw([3], 0.5, 2), draw([3])]
    await expectReference(device.gpu, {
      feeds: { x, ...(weight ? { w } : {}), ...(bias ? { b } : {}) },
      build: (v) =>
        instanceNorm(v.x!, { ...(weight ? { weight: v.w! } : {}), ...(bias ? { bias: v.b! } : {}) }),
      expected: reference.forward(x, weight ? w : null, bias ? b : null),
      backward: (g) => {
        const { gradInput, gradWeight, gradBias } = reference.backward(g, x, weight ? w : null)
        return { x: gradInput, ...(weight ? { w: gradWeight } : {}), ...(bias ? { b: gradBias } : {}) }
      },
      tolerance: 2e-6,
    })
  })

  it('an epsilon of 0.1', () => expectNormalised(draw([1, 2, 3, 5, 7]), { epsilon: 0.1 }))

  it.each([NaN, -1, 0])('refuses an epsilon of %d', (epsilon) => {
    expect(() => instanceNorm(input('x', [1, 2, 2, 2, 2]), { epsilon })).toThrow(
      `instance_norm: epsilon must be a number above 0, not ${epsilon}`,
    )
  })
})

const expectNormalised = (x: NdArray, { epsilon = 1e-5, tolerance = 2e-6 } = {}): Promise<void> =>
  expectReference(device.gpu, {
    feeds: { x },
    build: (v) => instanceNorm(v.x!, { epsilon }),
    expected: reference.forward(x, null, null, epsilon),
    backward: (gradOutput) => ({ x: reference.backward(gradOutput, x, null, epsilon).gradInput }),
    tolerance,
  })
