import { input, parameter } from '../../../src/graph/value.js'
import { Adam } from '../../../src/optim/index.js'
import { numbers, type Case } from '../case.js'

export const cases: readonly Case[] = [
  {
    op: 'adam',
    shape: '1000000',
    build: () => {
      const p = parameter('p', [1e6], numbers(1e6, 1))
      return { effects: new Adam([p]).update([input('grad', [1e6])]) }
    },
    work: { adam: { flops: 0, bytes: 7 * 4e6 } },
  },
]
