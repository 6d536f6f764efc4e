import { squaredError } from '../../../src/ops/index.js'
import { half, pointwise, type Case } from '../case.js'

export const cases: readonly Case[] = [
  pointwise('squared_error', 14, half, squaredError, { squared_error: 2, 'squared_error backward': 3 }),
]
