import { transpose } from '../../../src/ops/index.js'
import { half, pointwise, type Case } from '../case.js'

const case14 = (axes: readonly number[]): Case =>
  pointwise(`transpose [${axes.join()}]`, 14, half, (x) => transpose(x, axes), {
    transpose: 2,
    'transpose backward': 2,
  })

/** Rows with columns, and channels last. */
export const cases: readonly Case[] = [case14([0, 1, 2, 4, 3]), case14([0, 4, 2, 3, 1])]
