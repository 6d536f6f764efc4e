import { elementwise, elementwisePlanes } from '../graph/elementwise.js'
import { defineNode, only } from '../graph/node.js'
import { volumeShape, type Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { backwardInput, conv3d } from './conv3d/index.js'
import { adjointNeighbourSums, neighbourSums } from './neighbour-sums.js'
import { reductionOf } from './sum.js'

/**
 * Mean-field message of an MRF prior: what the neighbours of a voxel say of its class (SAE.md, row "L_mrf").
 *
 *   m_i(c) = sum_c' table(c, c') sum_{j in N_i} posterior_j(c')
 *
 * N_i is the cube of `neighbourhood`^3 voxels about i without i, edges replicated. The product with the table is a
 * convolution of one voxel.
 *
 * @param posterior [N, K, D, H, W]
 * @param table log M, [K, K]
 * @param neighbourhood odd edge length of the cube, 3 to 21
 * @throws Error on another neighbourhood, or a table of another size
 */
export function mrfMessage(posterior: Value, table: Value, neighbourhood: number): Value {
  const { channels: classes } = volumeShape(posterior)
  if (table.shape.length !== 2 || table.size !== classes * classes) {
    throw new Error(`mrf: the table must be [${classes}, ${classes}], not [${table.shape.join(', ')}]`)
  }
  return conv3d(neighbourSums(posterior, neighbourhood), table)
}

/**
 * Energy of a posterior under an MRF prior: - sum_i sum_c posterior_i(c) m_i(c), a scalar.
 * Arguments as for `mrfMessage`; no gradient flows into the table.
 */
export function mrfEnergy(posterior: Value, table: Value, neighbourhood: number): Value {
  const message = mrfMessage(posterior, table, neighbourhood)
  return only(
    defineNode({
      ...reductionOf('dot', posterior, message, -1),
      op: 'mrf_energy',
      backward: ([gradEnergy]) => [
        energyBackward(
          message,
          // The transposed product commutes with the sums, so that both maps share their order: sums, then product.
          backwardInput(adjointNeighbourSums(posterior, neighbourhood), table),
          gradEnergy!,
        ),
      ],
    }),
  )
}

function energyBackward(message: Value, adjoint: Value, gradEnergy: Value): Value {
  return only(
    defineNode({
      op: 'mrf_energy backward',
      inputs: [message, adjoint, gradEnergy],
      outputs: [{ shape: message.shape }],
      emit: {
        planes: elementwisePlanes(message),
        emit: ([gradPosterior], device, slab) =>
          elementwise(
            {
              shader: shaders.mrfBackward,
              values: { message, adjoint, grad_posterior: gradPosterior! },
              flats: { grad_energy: gradEnergy },
            },
            device,
            slab,
          ),
      },
    }),
  )
}
