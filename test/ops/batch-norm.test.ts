import { describe, expect, it } from 'vitest'
import { input, parameter } from '../../src/graph/value.js'
import { batchNorm, batchNormBy, type BatchNormOptions } from '../../src/ops/index.js'
import { useGpu } from '../gpu.js'
import * as reference from '../reference/batch-norm.js'
import { drawFrom, expectReference, extents } from './check.js'

const device = useGpu()
const draw = drawFrom(22)

const shapes = [
  [1, 14],
  [2, 3],
  [3, 1],
].flatMap((start) => extents.map((extent) => [...start, ...extent]))

describe('batch_norm', () => {
  for (const shape of shapes) {
    const title = `[${shape.join(', ')}]`
    const [x, w, b] = [draw(shape, -2, 3), draw([shape[1]!], 0.5, 2), draw([shape[1]!])]

    // One voxel has no variance, and of two or three all that is left of their gradient is rounding.
    if (shape[0]! * shape[2]! * shape[3]! * shape[4]! > 3) {
      it(`by the batch's statistics ${title}`, () =>
        expectReference(device.gpu, {
          feeds: { x, w, b },
          build: (v) => batchNorm(v.x!, v.w, v.b).output,
          expected: reference.forward(x, w, b),
          backward: (g) => named(reference.backward(g, x, w)),
          tolerance: 2e-6,
        }))
    }

    it(`by running statistics ${title}`, () => {
      const running = { mean: draw([shape[1]!]), variance: draw([shape[1]!], 0.1, 2) }
      return expectReference(device.gpu, {
        feeds: { x, w, b, ...running },
        build: (v) => batchNormBy(v.x!, { mean: v.mean!, variance: v.variance! }, v.w, v.b),
        expected: reference.forwardBy(x, running, w, b),
        backward: (g) => named(reference.backwardBy(g, x, running, w)),
        tolerance: 2e-6,
      })
    })
  }

  it('without weight and bias', async () => {
    const x = draw([2, 6, 3, 5, 7], 20, 23)
    await expectReference(device.gpu, {
      feeds: { x },
      build: (v) => batchNorm(v.x!, undefined, undefined, { epsilon: 0.1 }).output,
      expected: reference.forward(x, null, null, 0.1),
      backward: (g) => ({ x: reference.backward(g, x, null, 0.1).gradInput }),
      tolerance: 2e-6,
    })
  })

  it('refuses to train with one voxel per channel, and arguments of another size', () => {
    expect(() => batchNorm(input('x', [1, 3, 1, 1, 1]))).toThrow('one voxel per channel has no variance')
    const [x, five] = [input('x', [1, 3, 1, 1, 2]), parameter('five', [5], new Float32Array(5))]
    const running = { mean: five, variance: five }
    const message = 'batch_norm: five [5] must have a number for each of 3 channels'
    expect(() => batchNorm(x, five)).toThrow(message)
    expect(() => batchNorm(x, undefined, undefined, { running })).toThrow(message)
    expect(() => batchNormBy(x, running)).toThrow(message)
  })

  it('refuses settings out of range', () => {
    const [x, three] = [input('x', [1, 3, 1, 1, 2]), parameter('three', [3], new Float32Array(3))]
    const train = (options: BatchNormOptions) => () => batchNorm(x, undefined, undefined, options)
    const evaluate = (options: BatchNormOptions) => () =>
      batchNormBy(x, { mean: three, variance: three }, undefined, undefined, options)
    for (const wrong of [NaN, -1e-5, Infinity]) {
      const message = `batch_norm: epsilon must be a number above 0, not ${wrong}`
      for (const run of [train, evaluate]) expect(run({ epsilon: wrong })).toThrow(message)
    }
    // The variance of a batch may be 0; running variances are known.
    expect(train({ epsilon: 0 })).toThrow('epsilon must be a number above 0, not 0')
    expect(evaluate({ epsilon: 0 })).not.toThrow()
    for (const wrong of [NaN, -0.1, 1.1])
      expect(train({ momentum: wrong })).toThrow(`batch_norm: momentum must be in 0..1, not ${wrong}`)
    const activation = 'gelu' as never
    for (const run of [train, evaluate])
      expect(run({ activation })).toThrow('batch_norm: there is no activation gelu')
  })
})

const named = ({ gradInput, gradWeight, gradBias }: ReturnType<typeof reference.backward>) => ({
  x: gradInput,
  w: gradWeight,
  b: gradBias,
})
