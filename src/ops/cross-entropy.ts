import { scratch } from '../graph/node.js'
import { op } from '../graph/op.js'
import { volumeShape, type Value } from '../graph/value.js'
import * as shaders from '../generated/shaders.js'
import { planewise, workgroupsPerPlane } from './shared/planewise.js'
import { sumRows } from './shared/reduce.js'
import { targetsOf } from './shared/targets.js'

/** How `crossEntropy` sums over voxels. */
export interface CrossEntropyOptions {
  /** `mean` divides by the number of voxels of the batch (default); `sum` does not. */
  readonly reduction?: 'mean' | 'sum'
}

/**
 * Cross-entropy of softmax(logits) against soft targets, a scalar: - sum_voxel sum_c target log softmax(logits). Labels
 * stand for their one-hot form, as in `torch.nn.functional.cross_entropy`; a label that is not a class adds nothing,
 * but its voxel counts in the mean.
 *
 * @param logits [N, C, D, H, W]
 * @param target probabilities of the same shape, or u32 labels [N, 1, D, H, W] or [N, D, H, W]; no gradient flows into
 *   them
 * @throws Error if the target has another shape
 */
export function crossEntropy(logits: Value, target: Value, options: CrossEntropyOptions = {}): Value {
  const { labels, ...given } = targetsOf('cross_entropy', logits, target)
  const flags = { LABELS: labels }
  const { channels, planes, voxels } = volumeShape(logits, 'cross_entropy')
  const scale = options.reduction === 'sum' ? 1 : 1 / voxels
  const groups = workgroupsPerPlane(shaders.crossEntropyForward, logits)
  const partials = scratch('cross_entropy partials', [planes * groups])
  return op({
    name: 'cross_entropy',
    inputs: { logits, target },
    output: { shape: [1] },
    scratch: [partials],
    planes,
    emit: (_, device, slab) =>
      planewise(
        {
          shader: shaders.crossEntropyForward,
          flags,
          params: { channels, groups },
          volumes: { logits, ...given.volumes },
          flats: { partials, ...given.flats },
        },
        device,
        slab,
      ),
    finish: (output) => [sumRows(partials, output, scale)],
    backward: (gradOutput) => ({
      logits: op({
        name: 'cross_entropy backward',
        inputs: { logits, target, gradOutput },
        // The gradient of a mean is at most one over the number of voxels.
        output: { shape: logits.shape, wide: true },
        planes,
        emit: (gradLogits, device, slab) =>
          planewise(
            {
              shader: shaders.crossEntropyBackward,
              flags,
              params: { channels, scale },
              volumes: { logits, ...given.volumes, grad_logits: gradLogits },
              flats: { grad_output: gradOutput, ...given.flats },
            },
            device,
            slab,
          ),
      }),
    }),
  })
}
