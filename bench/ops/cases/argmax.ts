import { input } from '../../../src/graph/value.js'
import { argmax } from '../../../src/ops/index.js'
import { half, type Case } from '../case.js'

const shape = [1, 14, ...half]
const bytes = 2 * 4 * shape.reduce((a, b) => a * b)

const within = (op: string, least: number): Case => ({
  op,
  shape: `14 x ${half.join('x')}`,
  build: () => ({ output: argmax(input('x', shape), { prior: input('prior', shape), least }), wanted: [] }),
  work: { argmax: { flops: 0, bytes } },
})

export const cases: readonly Case[] = [
  within('argmax of a prior', 0),
  within('argmax with its logarithm', 1e-7),
]
