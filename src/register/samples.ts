import { seededRandom } from '../nn/index.js'
import type { SpatialShape } from '../sae/shape.js'
import { grownBox, type VoxelBox } from './box.js'
import type { PlacedImage, PlacedLabels } from './image.js'
import { valueAt } from './interpolate.js'
import { mapPoint, spacingOf, type PlacedShape } from './placed.js'

/** Points of the fixed volume: where they lie, and which of `bins` kinds they are. */
export interface Samples {
  /** World coordinates, three per point, in millimetres. */
  readonly positions: Float64Array
  /** Kind of each point, `0..bins-1`: a level of intensity, or a category of a label map. */
  readonly kinds: Uint8Array
  readonly bins: number
}

/** Levels of intensity that are told apart. */
export const levels = 32

/** What is looked at around the head or brain, in millimetres: its outline tells where it lies. */
const margin = 8

/**
 * Draws points of a scan, evenly from the box around what is not background.
 *
 * The points lie anywhere between voxels. At voxels, an image that is moved by whole voxels would be the only one that is
 * not blurred by interpolation, and the measure would prefer such shifts.
 *
 * @param image intensities 0..1; below `dark` is background
 */
export function sampleScan(image: PlacedImage, count: number, dark = 0.05): Samples {
  const { data, shape } = image
  const box = grownBox(data, shape, dark, marginOf(image))
  return sampleBox(box, image, count, levels, (x, y, z) => {
    const value = valueAt(data, shape, x, y, z, 0)
    return Math.min(Math.max(Math.floor(value * levels), 0), levels - 1)
  })
}

/** Draws points of a label map in the same way. */
export function sampleLabels(labels: PlacedLabels, count: number): Samples {
  const { data, shape } = labels
  const box = grownBox(data, shape, 0, marginOf(labels))
  const [, H, W] = shape
  return sampleBox(box, labels, count, labels.count, (x, y, z) => {
    return data[(Math.round(x) * H + Math.round(y)) * W + Math.round(z)]!
  })
}

function marginOf(placed: PlacedShape): SpatialShape {
  const [d, h, w] = spacingOf(placed)
  return [margin / d, margin / h, margin / w]
}

function sampleBox(
  { start, stop }: VoxelBox,
  placed: PlacedShape,
  count: number,
  bins: number,
  kindAt: (x: number, y: number, z: number) => number,
): Samples {
  // The same points whenever the same images are registered.
  const uniform = seededRandom(1)
  const [positions, kinds] = [new Float64Array(3 * count), new Uint8Array(count)]
  const within = (axis: 0 | 1 | 2): number => start[axis] + uniform() * (stop[axis] - 1 - start[axis])
  for (let i = 0; i < count; i++) {
    const [x, y, z] = [within(0), within(1), within(2)]
    kinds[i] = kindAt(x, y, z)
    positions.set(mapPoint(placed.toWorld, [x, y, z]), 3 * i)
  }
  return { positions, kinds, bins }
}
