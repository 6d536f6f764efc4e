import type { SpatialShape } from '../sae/separable-filter.js'
import { blur } from '../sae/synth/resample.js'
import { warpImage } from '../sae/synth/warp.js'
import { stepsOf, thinnedGrid, type PlacedShape } from './placed.js'
import { Pullback } from './pullback.js'

/** An image of one value per voxel, [D, H, W]. */
export interface PlacedImage extends PlacedShape {
  readonly data: Float32Array
}

/** A label map as a category per voxel, [D, H, W]; 0 is the background. */
export interface PlacedLabels extends PlacedShape {
  readonly data: Uint8Array
  /** How many categories there are, at most 256. */
  readonly count: number
}

/** The image blurred and thinned to voxels of about `millimetres`; itself if they are that large already. */
export function thinned(image: PlacedImage, millimetres: number): PlacedImage {
  const steps = stepsOf(image, millimetres)
  if (steps.every((n) => n === 1)) return image
  const blurred = image.data.slice()
  const sigma = (n: number): number => (n === 1 ? 0 : n / 2)
  blur(blurred, image.shape, [sigma(steps[0]), sigma(steps[1]), sigma(steps[2])])
  const grid = thinnedGrid(image, millimetres)
  return { ...grid, data: warpImage(blurred, new Pullback(image, grid)) }
}

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
