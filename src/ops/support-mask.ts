import { requireSameShape, type Value } from '../graph/value.js'
import { elementwiseOp } from '../graph/elementwise.js'
import * as shaders from '../generated/shaders.js'

/** Below this prior probability a class is ruled out (docs/equations.md, row "logits"). */
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

/**
 * logits + log(prior + least), as `add(logits, log(add(prior, least)))` but in one pass. No gradient flows to the prior.
 *
 * @param logits [N, C, D, H, W]
 * @param prior the same shape
 * @param least keeps the logarithm finite if the prior is 0
 */
export function addLogPrior(logits: Value, prior: Value, least: number): Value {
  requireSameShape('add_log_prior', logits, prior)
  return elementwiseOp({
    name: 'add_log_prior',
    shader: shaders.supportMaskForward,
    flags: { BACKWARD: false, LOG_PRIOR: true },
    // No prior is below 0.
    params: { threshold: 0, least },
    inputs: { logits, prior },
    wide: logits.wide,
    backward: (gradOutput) => ({ logits: gradOutput }),
  })
}

function mask(logits: Value, prior: Value, threshold: number, isBackward: boolean): Value {
  return elementwiseOp({
    name: isBackward ? 'support_mask backward' : 'support_mask',
    shader: shaders.supportMaskForward,
    flags: { BACKWARD: isBackward, LOG_PRIOR: false },
    params: { threshold, least: 0 },
    inputs: { logits, prior },
    wide: logits.wide || !isBackward,
    backward: (gradOutput) => ({ logits: mask(gradOutput, prior, threshold, true) }),
  })
}
