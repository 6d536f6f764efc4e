import { gumbelSoftmax } from '../../../src/ops/index.js'
import { half, pointwise, type Case } from '../case.js'

export const cases: readonly Case[] = [
  pointwise('gumbel_softmax', 14, half, (x, noise) => gumbelSoftmax(x, noise), {
    gumbel_softmax: 3,
    'gumbel_softmax backward': 4,
  }),
]
