import { maxPool3d } from '../../../src/ops/index.js'
import { half, pointwise, type Case } from '../case.js'

export const cases: readonly Case[] = [
  pointwise('max_pool3d', 4, half, (x) => maxPool3d(x), { max_pool3d: 1.125, 'max_pool3d backward': 2.125 }),
]
