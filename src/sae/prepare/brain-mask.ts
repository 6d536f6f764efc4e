import type { SpatialShape } from '../shape.js'
import { fillHoles, grownBy, largestComponent } from './mask.js'

/**
 * The brain among the labels of a network: the largest connected part of all that is not background (class 0), its holes
 * filled, grown by a margin.
 *
 * @param labels classes, [D, H, W]
 * @param margin in millimetres; negative to shrink
 * @param spacing of the voxels along D, H and W, in millimetres
 * @returns 1 in the brain, else 0; all 0 if everything is background
 */
export function brainMask(
  labels: Uint8Array,
  shape: SpatialShape,
  margin: number,
  spacing: readonly [number, number, number],
): Uint8Array {
  const foreground = labels.map((label) => (label === 0 ? 0 : 1))
  return grownBy(fillHoles(largestComponent(foreground, shape), shape), shape, margin, spacing)
}

/** The scan inside a mask; 0 outside. */
export function masked(scan: Float32Array, mask: Uint8Array): Float32Array {
  return scan.map((value, i) => (mask[i] === 1 ? value : 0))
}
