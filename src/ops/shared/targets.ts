import { requireSameShape, volumeShape, type Value } from '../../graph/value.js'

/** What a loss compares class probabilities with, and how kernels read it. */
interface Targets {
  /** Whether there is one label per voxel instead of a number for each class. */
  readonly labels: boolean
  /** Bindings cut into slabs. */
  readonly volumes: Readonly<Record<string, Value>>
  /** Values bound whole. */
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
  // [N, D, H, W] is stored like [N, 1, D, H, W], but has no planes to cut it into.
  const binding = { target_values: target }
  return target.layout === 'volume'
    ? { labels: true, volumes: binding, flats: {} }
    : { labels: true, volumes: {}, flats: binding }
}
