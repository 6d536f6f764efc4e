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
