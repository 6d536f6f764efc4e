import { constant, type Value } from '../../graph/value.js'
import { sameConv3d } from '../../ops/conv3d/same.js'
import type { Part } from './prior.js'

/**
 * Adds up the channels of each class, by a convolution of one voxel.
 *
 * @param members [N, M, D, H, W]
 * @param classOf the class of each member, 0..K-1, in ascending order, [M]
 * @returns [N, K, D, H, W]
 */
export function sumMembers(members: Value, classOf: readonly number[]): Value {
  const classes = classOf.at(-1)! + 1
  const weight = Array.from({ length: classes }, (_, c) => classOf.map((owner) => Number(owner === c)))
  return sameConv3d(members, matrix('members of classes', weight))
}

/**
 * Adds up the probabilities of each class's parts.
 *
 * @param probabilities [N, parts, D, H, W], or [N, K, D, H, W] if each channel is a class
 * @param parts what the channels are; undefined if each is a class
 * @returns [N, K, D, H, W]
 */
export function mergeParts(probabilities: Value, parts: readonly Part[] | undefined): Value {
  return parts
    ? sumMembers(
        probabilities,
        parts.map((part) => part.class),
      )
    : probabilities
}

/** The class of each component, from the number of components of each class. */
export function ownersOf(components: readonly number[]): number[] {
  return components.flatMap((count, c) => Array.from({ length: count }, () => c))
}

function matrix(name: string, rows: readonly (readonly number[])[]): Value {
  return constant(name, [rows.length, rows[0]!.length], Float32Array.from(rows.flat()))
}
