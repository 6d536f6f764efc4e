import { elementwiseOp } from '../graph/elementwise.js'
import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { backwardInput, sameConv3d } from './conv3d/same.js'
import { adjointNeighbourSums, neighbourSums } from './neighbour-sums.js'
import { reductionOf } from './sum.js'

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
  if (table.shape.length !== 2 || table.size !== classes * classes) {
    throw new Error(
      `mrf_message: the table must be [${classes}, ${classes}], not [${table.shape.join(', ')}]`,
    )
  }
  return sameConv3d(neighbourSums(posterior, neighbourhood), table)
}

/**
 * Energy of a posterior under an MRF prior: - sum_i sum_c posterior_i(c) m_i(c), a scalar.
 * Arguments as for `mrfMessage`; no gradient flows into the table.
 */
export function mrfEnergy(posterior: Value, table: Value, neighbourhood: number): Value {
  const message = mrfMessage(posterior, table, neighbourhood)
  return op({
    ...reductionOf('dot', posterior, message, -1),
    name: 'mrf_energy',
    backward: (gradEnergy) => ({
      a: elementwiseOp({
        name: 'mrf_energy backward',
        shader: shaders.mrfBackward,
        inputs: {
          message,
          // The transposed product commutes with the sums, so that both maps share their order: sums, then product.
          adjoint: backwardInput(adjointNeighbourSums(posterior, neighbourhood), table),
        },
        flats: { grad_energy: gradEnergy },
        result: 'grad_posterior',
      }),
    }),
  })
}
