import type { SpatialShape } from '../sae/shape.js'

/** The value at a position in voxels, trilinear; `outside` beyond the centres of the outermost voxels. */
export function valueAt(
  data: Float32Array,
  [D, H, W]: SpatialShape,
  x: number,
  y: number,
  z: number,
  outside: number,
): number {
  if (!(x >= 0 && x <= D - 1 && y >= 0 && y <= H - 1 && z >= 0 && z <= W - 1)) return outside
  const d = Math.min(Math.floor(x), Math.max(D - 2, 0))
  const h = Math.min(Math.floor(y), Math.max(H - 2, 0))
  const w = Math.min(Math.floor(z), Math.max(W - 2, 0))
  const [u, v, t] = [x - d, y - h, z - w]
  const [down, along, on] = [D > 1 ? H * W : 0, H > 1 ? W : 0, W > 1 ? 1 : 0]
  const at = (d * H + h) * W + w
  const a = data[at]! + t * (data[at + on]! - data[at]!)
  const b = data[at + along]! + t * (data[at + along + on]! - data[at + along]!)
  const c = data[at + down]! + t * (data[at + down + on]! - data[at + down]!)
  const far = at + down + along
  const e = data[far]! + t * (data[far + on]! - data[far]!)
  const near = a + v * (b - a)
  return near + u * (c + v * (e - c) - near)
}
