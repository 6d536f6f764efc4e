import { defineNode, only } from '../graph/node.js'
import { requireSameShape, type Value } from '../graph/value.js'
import { elementwise, elementwisePlanes } from '../graph/elementwise.js'
import * as shaders from '../generated/shaders.js'

/** Below this prior probability a class is ruled out (SAE.md, row "logits"). */
export const supportThreshold = 1e-8

/**
 * Rules out the classes that the prior gives (almost) no probability: logits - 1e12 there, and no gradient.
 *
 * @param logits [N, C, D, H, W]
 * @param prior the same shape
 */
export function supportMask(logits: Value, prior: Value, threshold = supportThreshold): Value {
  requireSameShape('support_mask', logits, prior)
  return mask(logits, prior, threshold, false)
}

function mask(logits: Value, prior: Value, threshold: number, isBackward: boolean): Value {
  return only(
    defineNode({
      op: isBackward ? 'support_mask backward' : 'support_mask',
      inputs: [logits, prior],
      outputs: [{ shape: logits.shape, wide: logits.wide || !isBackward }],
      emit: {
        planes: elementwisePlanes(logits),
        emit: ([output], device, slab) =>
          elementwise(
            {
              shader: shaders.supportMaskForward,
              flags: { BACKWARD: isBackward },
              params: { threshold },
              values: { logits, prior, output: output! },
            },
            device,
            slab,
          ),
      },
      backward: ([gradOutput]) => [mask(gradOutput!, prior, threshold, true), undefined],
    }),
  )
}
