import { op } from '../graph/op.js'
import { requireSameShape, volumeShape, type Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { planewise } from './shared/planewise.js'

/** How `gumbelSoftmax` samples. */
export interface GumbelSoftmaxOptions {
  /** Temperature tau > 0. Default 2/3. */
  readonly temperature?: number
  /** If true, the result is one-hot and the gradient is that of the soft sample (straight-through). Default true. */
  readonly hard?: boolean
}

/**
 * A sample of the categorical softmax(logits) at every voxel (Jang et al. 2017; docs/equations.md, row "sample").
 *
 * @param logits [N, C, D, H, W]
 * @param noise uniform in [0, 1), the same shape (see `uniformNoise`)
 * @throws Error on a temperature that is not positive
 */
export function gumbelSoftmax(logits: Value, noise: Value, options: GumbelSoftmaxOptions = {}): Value {
  const { temperature: tau = 2 / 3, hard = true } = options
  const { channels, planes } = volumeShape(logits, 'gumbel_softmax')
  requireSameShape('gumbel_softmax', logits, noise)
  if (!(tau > 0)) throw new Error(`gumbel_softmax: the temperature must be positive, not ${tau}`)
  return op({
    name: 'gumbel_softmax',
    inputs: { logits, noise },
    output: { shape: logits.shape },
    planes,
    emit: (output, device, slab) =>
      planewise(
        {
          shader: shaders.gumbelSoftmaxForward,
          flags: { HARD: hard },
          params: { channels, tau },
          volumes: { logits, noise, output },
        },
        device,
        slab,
      ),
    backward: (gradOutput) => ({
      logits: op({
        name: 'gumbel_softmax backward',
        inputs: { logits, noise, gradOutput },
        output: { shape: logits.shape },
        planes,
        emit: (gradLogits, device, slab) =>
          planewise(
            {
              shader: shaders.gumbelSoftmaxBackward,
              params: { channels, tau },
              volumes: { logits, noise, grad_output: gradOutput, grad_logits: gradLogits },
            },
            device,
            slab,
          ),
      }),
    }),
  })
}
