import { instanceNorm } from '../../../src/ops/index.js'
import { half, pointwise, type Case } from '../case.js'

export const cases: readonly Case[] = [
  pointwise('instance_norm', 14, half, (x) => instanceNorm(x), {
    instance_norm: 2,
    'instance_norm backward': 3,
  }),
]
