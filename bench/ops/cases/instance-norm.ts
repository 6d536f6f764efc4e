import { instanceNorm, relu } from '../../../src/ops/index.js'
import { half, pointwise, type Case } from '../case.js'

export const cases: readonly Case[] = [
  pointwise('instance_norm', 14, half, (x) => instanceNorm(x), {
    instance_norm: 2,
    'instance_norm backward': 3,
  }),
  pointwise('instance_norm with its ReLU', 14, half, (x) => instanceNorm(x, { activation: 'relu' }), {
    instance_norm: 2,
  }),
  pointwise('ReLU after instance_norm', 14, half, (x) => relu(instanceNorm(x)), {
    instance_norm: 2,
    relu: 2,
  }),
]
