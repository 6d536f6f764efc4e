import { defineNode, only, scratch } from '../autograd/node.js'
import { requireSameShape, volumeShape, type Value } from '../autograd/value.js'
import * as shaders from '../generated/shaders.js'
import { planewise } from './planewise.js'
import { sumRows } from './reduce.js'

/** How `crossEntropy` sums over voxels. */
export interface CrossEntropyOptions {
  /** `mean` divides by the number of voxels of the batch (default); `sum` does not. */
  readonly reduction?: 'mean' | 'sum'
}

/**
 * Cross-entropy of softmax(logits) against soft targets, a scalar: - sum_voxel sum_c target log softmax(logits).
 *
 * @param logits [N, C, D, H, W]
 * @param target probabilities of the same shape; no gradient flows into them
 */
export function crossEntropy(logits: Value, target: Value, options: CrossEntropyOptions = {}): Value {
  requireSameShape('cross_entropy', logits, target)
  const { channels, planes, area, voxels } = volumeShape(logits)
  const scale = options.reduction === 'sum' ? 1 : 1 / voxels
  const groups = Math.ceil(area / 64)
  const partials = scratch('cross_entropy partials', [planes * groups])
  return only(
    defineNode({
      op: 'cross_entropy',
      inputs: [logits, target],
      outputs: [{ shape: [1] }],
      scratch: [partials],
      emit: {
        planes,
        emit: (_, device, slab) =>
          planewise(
            {
              shader: shaders.crossEntropyForward,
              params: { channels, groups },
              volumes: { logits, target_values: target },
              flats: { partials },
            },
            device,
            slab,
          ),
        finish: ([output]) => [sumRows(partials, output!, scale)],
      },
      backward: ([gradOutput]) => [
        only(
          defineNode({
            op: 'cross_entropy backward',
            inputs: [logits, target, gradOutput!],
            // Of a mean, one over the number of voxels and less.
            outputs: [{ shape: logits.shape, wide: true }],
            emit: {
              planes,
              emit: ([gradLogits], device, slab) =>
                planewise(
                  {
                    shader: shaders.crossEntropyBackward,
                    params: { channels, scale },
                    volumes: { logits, target_values: target, grad_logits: gradLogits! },
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
