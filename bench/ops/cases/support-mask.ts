import { addLogPrior, supportMask } from '../../../src/ops/index.js'
import { half, pointwise, type Case } from '../case.js'

export const cases: readonly Case[] = [
  pointwise('support_mask', 14, half, supportMask, { support_mask: 3, 'support_mask backward': 3 }),
  pointwise('add_log_prior', 14, half, (x, prior) => addLogPrior(x, prior, 1e-7), { add_log_prior: 3 }),
]
