import { scratch } from '../graph/node.js'
import { op } from '../graph/op.js'
import { requireSameShape, volumeShape, type Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { planewise, workgroupsPerPlane } from './shared/planewise.js'
import { sumRows } from './shared/reduce.js'

/**
 * Kullback-Leibler divergence of a posterior from a prior, summed over voxels (docs/equations.md, row "KL").
 *
 *   sum_i sum_c pi (log pi - log p),   p = (prior + 1e-12) / sum_c (prior + 1e-12)
 *
 * @param logPosterior log pi, [N, C, D, H, W] (see `logSoftmax`)
 * @param prior probabilities of the same shape; no gradient flows into them
 */
export function klDivergence(logPosterior: Value, prior: Value): Value {
  requireSameShape('kl_divergence', logPosterior, prior)
  const { channels, planes } = volumeShape(logPosterior, 'kl_divergence')
  const groups = workgroupsPerPlane(shaders.klDivergenceForward, logPosterior)
  const partials = scratch('kl_divergence partials', [planes * groups])
  const volumes = { log_posterior: logPosterior, prior }
  return op({
    name: 'kl_divergence',
    inputs: { logPosterior, prior },
    output: { shape: [1] },
    scratch: [partials],
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
    finish: (output) => [sumRows(partials, output)],
    backward: (gradOutput) => ({
      logPosterior: op({
        name: 'kl_divergence backward',
        inputs: { logPosterior, prior, gradOutput },
        output: { shape: logPosterior.shape },
        planes,
        emit: (grad, device, slab) =>
          planewise(
            {
              shader: shaders.klDivergenceBackward,
              params: { channels },
              volumes: { ...volumes, grad_log_posterior: grad },
              flats: { grad_output: gradOutput },
            },
            device,
            slab,
          ),
      }),
    }),
  })
}
