import { klDivergence } from '../../../src/ops/index.js'
import { half, pointwise, type Case } from '../case.js'

export const cases: readonly Case[] = [
  pointwise('kl_divergence', 14, half, klDivergence, { kl_divergence: 2, 'kl_divergence backward': 3 }),
]
