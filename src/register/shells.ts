import type { SpatialShape } from '../sae/shape.js'

/**
 * Tells background near what is labelled from background far away: voxels one, two, ... steps from a label become the
 * categories `count`, `count + 1`, ...; steps go along the axes. A scan shows fluid and dura there that nobody labels.
 *
 * @param labels 0 is background, [D, H, W]
 */
export function withShells(
  labels: Uint8Array,
  shape: SpatialShape,
  count: number,
  steps: number,
): Uint8Array {
  const [D, H, W] = shape
  const area = H * W
  const result = labels.slice()
  for (let step = 0; step < steps; step++) {
    const before = result.slice()
    for (let d = 0, i = 0; d < D; d++) {
      for (let h = 0; h < H; h++) {
        for (let w = 0; w < W; w++, i++) {
          if (before[i] !== 0) continue
          const touches =
            (w > 0 && before[i - 1] !== 0) ||
            (w < W - 1 && before[i + 1] !== 0) ||
            (h > 0 && before[i - W] !== 0) ||
            (h < H - 1 && before[i + W] !== 0) ||
            (d > 0 && before[i - area] !== 0) ||
            (d < D - 1 && before[i + area] !== 0)
          if (touches) result[i] = count + step
        }
      }
    }
  }
  return result
}
