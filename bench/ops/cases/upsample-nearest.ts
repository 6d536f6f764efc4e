import { upsampleNearest } from '../../../src/ops/index.js'
import { pointwise, type Case } from '../case.js'

export const cases: readonly Case[] = [
  pointwise('upsample_nearest', 4, [40, 48, 56], (x) => upsampleNearest(x), {
    upsample_nearest: 9,
    'upsample_nearest backward': 9,
  }),
]
