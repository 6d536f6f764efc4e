import { concat } from '../../../src/ops/index.js'
import { half, pointwise, type Case } from '../case.js'

export const cases: readonly Case[] = [pointwise('concat', 4, half, (x, y) => concat([x, y]), { concat: 4 })]
