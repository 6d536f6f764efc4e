import { constant } from '../../../src/graph/value.js'
import { posterior } from '../../../src/ops/index.js'
import { half, pointwise, type Case } from '../case.js'

const counter = constant('counter', [2], Uint32Array.of(1, 2))

export const cases: readonly Case[] = [
  pointwise('posterior', 14, half, (x, prior) => posterior(x, prior, counter).probabilities, {
    posterior: 3,
    'posterior backward': 4,
  }),
]
