import { constant } from '../../../src/graph/value.js'
import { mrfEnergy } from '../../../src/ops/index.js'
import { half, numbers, pointwise, type Case } from '../case.js'

/** Prefix of the cases of the MRF term. */
export const mrfTerm = 'mrf_energy'

/**
 * The MRF term of the objective, forward and backward: sums, product, energy and gradient. With k = 3 the sums are their own
 * adjoint; with others there are two sets of sums and two products, which are added.
 */
function mrf(k: number): Case {
  const table = constant('table', [14, 14], numbers(196, -1))
  return pointwise(`${mrfTerm} k=${k}`, 14, half, (x) => mrfEnergy(x, table, k), {
    ...(k === 3
      ? { neighbour_sums: 2 }
      : { neighbour_sums: 7, 'neighbour_sums adjoint': 7, 'conv3d backward input': 2, add: 3 }),
    conv3d: 2,
    mrf_energy: 2,
    'mrf_energy backward': 2,
  })
}

export const cases: readonly Case[] = [mrf(3), mrf(21)]
