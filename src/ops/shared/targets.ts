import { requireSameShape, volumeShape, type Value } from '../../graph/value.js'

/** What a loss compares class probabilities with, and how kernels are given it. */
interface Targets {
  /** Whether there is a label a voxel instead of a number for each of its classes. */
  readonly labels: boolean
  /** Bindings cut into slabs. */
  readonly volumes: Readonly<Record<string, Value>>
  /** Bindings shown whole. */
  readonly flats: Readonly<Record<string, Value>>
}

/**
 * The binding `target_values` of a loss over `predicted` [N, C, D, H, W].
 *
 * @param target numbers of the same shape, or u32 labels [N, 1, D, H, W] or [N, D, H, W]
 * @throws Error if it is neither
 */
export function targetsOf(op: string, predicted: Value, target: Value): Targets {
  if (target.dtype !== 'u32') {
    requireSameShape(op, predicted, target)
    return { labels: false, volumes: { target_values: target }, flats: {} }
  }
  const { batch, depth, height, width } = volumeShape(predicted, op)
  const extents =
    target.layout === 'volume' ? [batch, 1, depth, height, width] : [batch, depth, height, width]
  if (target.shape.join() !== extents.join()) {
    throw new Error(
      `${op}: the labels ${target.name} [${target.shape.join(', ')}] are not one for each voxel of ${predicted.name} [${predicted.shape.join(', ')}]`,
    )
  }
  // [N, D, H, W] lies in memory as [N, 1, D, H, W] does, but has no planes to be cut into.
  const binding = { target_values: target }
  return target.layout === 'volume'
    ? { labels: true, volumes: binding, flats: {} }
    : { labels: true, volumes: {}, flats: binding }
}
