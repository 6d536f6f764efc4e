import { constant, type Value } from '../graph/value.js'
import { conv3d } from '../ops/index.js'
import { classesOf } from './parts.js'
import type { Part } from './prior.js'

/**
 * Adds up the probabilities of each class's parts: a convolution with a kernel of one voxel, whose weights are 1 between
 * a class and its own parts and 0 elsewhere.
 *
 * @param probabilities [N, parts, D, H, W], or [N, K, D, H, W] if each channel is a class
 * @param parts what the channels are; undefined if each is a class
 * @returns [N, K, D, H, W]
 */
export function mergeParts(probabilities: Value, parts: readonly Part[] | undefined): Value {
  if (!parts) return probabilities
  const classes = classesOf(parts)
  const weight = Float32Array.from({ length: classes * parts.length }, (_, i) =>
    parts[i % parts.length]!.class === Math.floor(i / parts.length) ? 1 : 0,
  )
  return conv3d(probabilities, constant('parts of classes', [classes, parts.length], weight))
}
