import { logSoftmax, softmax } from '../../../src/ops/index.js'
import { half, pointwise, type Case } from '../case.js'

export const cases: readonly Case[] = [
  pointwise('softmax', 14, half, (x) => softmax(x), { softmax: 2, 'softmax backward': 3 }),
  pointwise('log_softmax', 14, half, (x) => logSoftmax(x), { log_softmax: 2, 'log_softmax backward': 3 }),
]
