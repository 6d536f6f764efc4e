import { crossEntropy } from '../../../src/ops/index.js'
import { half, pointwise, type Case } from '../case.js'

export const cases: readonly Case[] = [
  pointwise('cross_entropy', 14, half, (x, y) => crossEntropy(x, y), {
    cross_entropy: 2,
    'cross_entropy backward': 3,
  }),
]
