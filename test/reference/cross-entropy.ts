/**
 * Cross-entropy with soft targets (docs/equations.md, "Networks"): - sum over voxels and c of target_c log softmax(logits)_c,
 * divided by the number of voxels of the whole batch where the reduction is 'mean'.
 */
import { gradientCase, type GradientCases } from './gradient-cases.js'
import { expectSameShape, forEachVoxel, scalar, zeros, type NdArray } from './nd-array.js'
import { logSoftmax, softmax } from './softmax.js'

export type Reduction = 'mean' | 'sum'

/** logits and target [N, C, ...] -> [1]. The target is the prior: usually, not necessarily, summing to 1. */
export function forward(logits: NdArray, target: NdArray, reduction: Reduction = 'mean'): NdArray {
  expectSameShape(logits, target)
  const logPi = logSoftmax(logits)
  const total = target.data.reduce((sum, t, i) => sum - t * logPi.data[i]!, 0)
  return scalar(total / divisor(logits, reduction))
}

/** gradOutput [1]; gradLogits_c = gradOutput (softmax(logits)_c sum_c' target_c' - target_c) / divisor. */
export function backward(
  gradOutput: NdArray,
  logits: NdArray,
  target: NdArray,
  reduction: Reduction = 'mean',
): { gradLogits: NdArray } {
  const pi = softmax(logits)
  const factor = gradOutput.data[0]! / divisor(logits, reduction)
  const gradLogits = zeros(logits.shape)
  forEachVoxel(logits, (channels) => {
    const mass = channels.reduce((sum, c) => sum + target.data[c]!, 0)
    for (const c of channels) gradLogits.data[c] = factor * (pi.data[c]! * mass - target.data[c]!)
  })
  return { gradLogits }
}

const divisor = ({ shape, data }: NdArray, reduction: Reduction): number =>
  reduction === 'mean' ? data.length / shape[1]! : 1

export const gradientCases: GradientCases = (draw) => {
  const logits = draw([2, 4, 3, 5, 1], -3, 3)
  const target = draw(logits.shape, 0, 1) // not summing to 1
  const sample = (reduction: Reduction) =>
    gradientCase(
      { logits },
      (v) => forward(v.logits, target, reduction),
      (g) => backward(g, logits, target, reduction),
    )
  return { mean: sample('mean'), sum: sample('sum') }
}
