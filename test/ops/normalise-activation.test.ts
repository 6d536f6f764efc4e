import { describe, it } from 'vitest'
import { batchNorm, batchNormBy, groupNorm, instanceNorm } from '../../src/ops/index.js'
import type { Value } from '../../src/graph/value.js'
import { useGpu } from '../gpu.js'
import * as ofBatch from '../reference/batch-norm.js'
import * as ofGroups from '../reference/group-norm.js'
import * as ofInstances from '../reference/instance-norm.js'
import type { NdArray } from '../reference/nd-array.js'
import type { Gradients } from '../reference/normalise.js'
import * as relu from '../reference/relu.js'
import { drawFrom, expectReference } from './check.js'

const device = useGpu()
const draw = drawFrom(24)
const activation = 'relu'
const [weight, bias] = [draw([4], 0.5, 2), draw([4])]
const running = { mean: draw([4]), variance: draw([4], 0.1, 2) }

/** A normalisation that ends in a ReLU, and the reference of what comes before that. */
interface Case {
  readonly build: (x: Value, w: Value, b: Value, mean: Value, variance: Value) => Value
  readonly forward: (x: NdArray) => NdArray
  readonly backward: (g: NdArray, x: NdArray) => Gradients
}

const cases: Record<string, Case> = {
  instance_norm: {
    build: (x, weight, bias) => instanceNorm(x, { weight, bias, activation }),
    forward: (x) => ofInstances.forward(x, weight, bias),
    backward: (g, x) => ofInstances.backward(g, x, weight),
  },
  group_norm: {
    build: (x, w, b) => groupNorm(x, 2, w, b, { activation }),
    forward: (x) => ofGroups.forward(x, 2, weight, bias),
    backward: (g, x) => ofGroups.backward(g, x, 2, weight),
  },
  'batch_norm by the batch': {
    build: (x, w, b) => batchNorm(x, w, b, { activation }).output,
    forward: (x) => ofBatch.forward(x, weight, bias),
    backward: (g, x) => ofBatch.backward(g, x, weight),
  },
  'batch_norm by running statistics': {
    build: (x, w, b, mean, variance) => batchNormBy(x, { mean, variance }, w, b, { activation }),
    forward: (x) => ofBatch.forwardBy(x, running, weight, bias),
    backward: (g, x) => ofBatch.backwardBy(g, x, running, weight),
  },
}

describe.each(Object.entries(cases))('%s with a ReLU', (_, { build, forward, backward }) => {
  it.each([[[2, 4, 3, 5, 7]], [[1, 4, 5, 4, 8]], [[2, 4, 2, 1, 3]]])('%j', async (shape) => {
    const x = draw(shape, -2, 3)
    const before = forward(x)
    await expectReference(device.gpu, {
      feeds: { x, weight, bias, ...running },
      build: (v) => build(v.x!, v.weight!, v.bias!, v.mean!, v.variance!),
      expected: relu.forward(before),
      backward: (g) => {
        const { gradInput, gradWeight, gradBias } = backward(relu.backward(g, before).gradInput, x)
        return { x: gradInput, weight: gradWeight, bias: gradBias }
      },
      tolerance: 5e-6,
    })
  })
})
