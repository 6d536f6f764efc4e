import { sampledShape } from '../separable-filter.js'
import type { SpatialShape } from '../shape.js'

/** Every n-th voxel along each axis, the first one included, of a volume [D, H, W] or [K, D, H, W]. */
export function everyNth<T extends Float32Array | Uint8Array>(
  volume: T,
  shape: SpatialShape,
  every: number,
): T {
  if (every === 1) return volume
  const [D, H, W] = shape
  const voxels = D * H * W
  const [d, h, w] = sampledShape(shape, every)
  const kept = new (volume.constructor as new (length: number) => T)((volume.length / voxels) * d * h * w)
  let at = 0
  for (let channel = 0; channel < volume.length; channel += voxels) {
    for (let z = 0; z < D; z += every) {
      for (let y = 0; y < H; y += every) {
        const row = channel + (z * H + y) * W
        for (let x = 0; x < W; x += every) kept[at++] = volume[row + x]!
      }
    }
  }
  return kept
}
