import { defineNode, only, scratch } from '../graph/node.js'
import { requireSameShape, volumeShape, type Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { planewise } from './shared/planewise.js'
import { sumRows } from './shared/reduce.js'

/**
 * Kullback-Leibler divergence of a posterior from a prior, summed over voxels (SAE.md, row "KL").
 *
 *   sum_i sum_c pi (log pi - log p),   p = (prior + 1e-12) / sum_c (prior + 1e-12)
 *
 * @param logPosterior log pi, [N, C, D, H, W] (see `logSoftmax`)
 * @param prior probabilities of the same shape; no gradient flows into them
 */
export function klDivergence(logPosterior: Value, prior: Value): Value {
  requireSameShape('kl_divergence', logPosterior, prior)
  const { channels, planes, area } = volumeShape(logPosterior)
  const groups = Math.ceil(area / 64)
  const partials = scratch('kl_divergence partials', [planes * groups])
  const volumes = { log_posterior: logPosterior, prior }
  return only(
    defineNode({
      op: 'kl_divergence',
      inputs: [logPosterior, prior],
      outputs: [{ shape: [1] }],
      scratch: [partials],
      emit: {
        planes,
        emit: (_, device, slab) =>
          planewise(
            {
              shader: shaders.klDivergenceForward,
              params: { channels, groups },
              volumes,
              flats: { partials },
            },
            device,
            slab,
          ),
        finish: ([output]) => [sumRows(partials, output!)],
      },
      backward: ([gradOutput]) => [
        only(
          defineNode({
            op: 'kl_divergence backward',
            inputs: [logPosterior, prior, gradOutput!],
            outputs: [{ shape: logPosterior.shape }],
            emit: {
              planes,
              emit: ([grad], device, slab) =>
                planewise(
                  {
                    shader: shaders.klDivergenceBackward,
                    params: { channels },
                    volumes: { ...volumes, grad_log_posterior: grad! },
                    flats: { grad_output: gradOutput! },
                  },
                  device,
                  slab,
                ),
            },
          }),
        ),
        undefined,
      ],
    }),
  )
}
