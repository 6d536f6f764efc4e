import { constant } from '../../../src/graph/value.js'
import { mrfEnergy } from '../../../src/ops/index.js'
import { half, numbers, pointwise, type Case } from '../case.js'

/** Prefix of the cases of the MRF term. */
export const mrfTerm = 'mrf_energy'

/** The MRF term of the objective, forward and backward: both sets of sums, both products, the energy, its gradient. */
function mrf(k: number): Case {
  const table = constant('table', [14, 14], numbers(196, -1))
  return pointwise(`${mrfTerm} k=${k}`, 14, half, (x) => mrfEnergy(x, table, k), {
    neighbour_sums: 7,
    'neighbour_sums adjoint': 7,
    conv3d: 2,
    'conv3d backward input': 2,
    mrf_energy: 2,
    'mrf_energy backward': 3,
  })
}

export const cases: readonly Case[] = [mrf(3), mrf(21)]
