import { accumulate } from '../graph/accumulate.js'
import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import { whole } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'
import { backwardInput, sameConv3d } from './conv3d/same.js'
import { adjointNeighbourSums, areSymmetric, neighbourSums } from './neighbour-sums.js'
import { arithmetic, broadcastWork, view } from './shared/broadcast.js'
import { reductionOf, weightedSum } from './sum.js'

/**
 * Mean-field message of an MRF prior: the evidence that the neighbours of a voxel give for its class (docs/equations.md, row
 * "L_mrf").
 *
 *   m_i(c) = sum_c' table(c, c') sum_{j in N_i} posterior_j(c')
 *
 * N_i is the cube of `neighbourhood`^3 voxels around i without i, with replicated edges. The product with the table is
 * a 1x1x1 convolution.
 *
 * @param posterior [N, K, D, H, W]
 * @param table log M, [K, K]
 * @param neighbourhood odd edge length of the cube, 3 to 21
 * @throws Error on another neighbourhood, or a table of another size
 */
export function mrfMessage(posterior: Value, table: Value, neighbourhood: number): Value {
  const { channels: classes } = volumeShape(posterior, 'mrf')
  requireTable('mrf_message', table, classes)
  return sameConv3d(neighbourSums(posterior, neighbourhood), table)
}

/**
 * Energy of a posterior under an MRF prior: - sum_i sum_c posterior_i(c) m_i(c), a scalar.
 * Arguments as for `mrfMessage`; no gradient flows into the table.
 *
 * The energy is a quadratic form, so it is half the product of the posterior with its own gradient. The forward pass computes the
 * gradient up to a factor, and the backward pass only multiplies it.
 */
export function mrfEnergy(posterior: Value, table: Value, neighbourhood: number): Value {
  const field = mrfField(posterior, table, neighbourhood)
  return op({
    ...reductionOf('dot', posterior, field, -0.5),
    name: 'mrf_energy',
    backward: (gradEnergy) => ({ a: scaled(field, gradEnergy) }),
  })
}

/** The message and its adjoint, applied to the posterior and added. */
function mrfField(posterior: Value, table: Value, neighbourhood: number): Value {
  if (!areSymmetric(neighbourhood)) {
    return accumulate(
      mrfMessage(posterior, table, neighbourhood),
      // The transposed product commutes with the sums, so that both maps share their order: sums, then product.
      backwardInput(adjointNeighbourSums(posterior, neighbourhood), table),
    )
  }
  return sameConv3d(neighbourSums(posterior, neighbourhood), pairsOf(posterior, table))
}

/** The table plus its transpose. */
function pairsOf(posterior: Value, table: Value): Value {
  const { channels: classes } = volumeShape(posterior, 'mrf')
  requireTable('mrf_energy', table, classes)
  return op({
    name: 'mrf_energy pairs',
    inputs: { table },
    output: { shape: table.shape },
    emit: (pairs) => [
      {
        shader: shaders.mrfPairs,
        params: { classes },
        bindings: { table: whole(table), pairs: whole(pairs) },
        threads: [table.size],
      },
    ],
  })
}

/** The gradient of the posterior, given that of the energy. */
function scaled(field: Value, gradEnergy: Value): Value {
  const scale = weightedSum([{ term: gradEnergy, factor: -1 }])
  const sides = { a: view(scale), b: view(field) }
  return op({
    name: 'mrf_energy backward',
    inputs: { scale, field },
    output: { shape: field.shape },
    ...broadcastWork(arithmetic('multiply'), { sides }, field),
    scaled: { value: field, by: scale },
  })
}

function requireTable(op: string, table: Value, classes: number): void {
  if (table.shape.length === 2 && table.size === classes * classes) return
  throw new Error(`${op}: the table must be [${classes}, ${classes}], not [${table.shape.join(', ')}]`)
}
