import { Canvas, textWidth, type Raster } from './canvas.js'
import { glyphHeight } from './bitmap-font.js'
import type { Colour } from './colours.js'
import type { Picture } from './png.js'
import { axisAcross, sidesOfPlane, sliceAt, type PlaneName, type SliceGrid } from './slices.js'

/** A scan and what was found in it, on one grid. */
export interface OverlaidVolume {
  /** Extents, spacing and directions of both. */
  readonly grid: SliceGrid
  /** Intensities, [D, H, W], in any unit. */
  readonly scan: Float32Array
  /** Positions in the palette, [D, H, W]. */
  readonly labels: Uint8Array
  /** The colour of each label; undefined for those that leave the scan as it is, such as the background. */
  readonly palette: readonly (Colour | undefined)[]
}

/** Black and white, in units of the scan. */
type Window = readonly [black: number, white: number]

/** From the lowest intensity to that which one voxel in 200 of those above it exceeds. */
export function windowOf(scan: Float32Array): Window {
  const step = Math.ceil(scan.length / 200_000)
  const sample = scan.filter((_, i) => i % step === 0).sort()
  const low = sample[0] ?? 0
  const head = sample.filter((value) => value > low)
  return [low, head[Math.floor(head.length * 0.995)] ?? low + 1]
}

/** A box of voxels. */
interface Bounds {
  readonly start: readonly [number, number, number]
  readonly shape: readonly [number, number, number]
}

/** The part of a volume that holds anything: labels with a colour, or more than a tenth of the brightness of white. */
export function croppedToHead(volume: OverlaidVolume): {
  readonly volume: OverlaidVolume
  /** Its first voxel in the whole. */
  readonly start: readonly [number, number, number]
} {
  const bounds = boundsOfHead(volume, windowOf(volume.scan))
  return { volume: cropped(volume, bounds), start: bounds.start }
}

/** Where a volume holds labels with a colour, or more than a tenth of the brightness of white; all of it if nowhere. */
export function boundsOfHead(
  { grid, scan, labels, palette }: OverlaidVolume,
  [black, white]: Window,
): Bounds {
  const [D, H, W] = grid.shape
  const threshold = black + (white - black) / 10
  const low: [number, number, number] = [D, H, W]
  const high: [number, number, number] = [-1, -1, -1]
  for (let d = 0, i = 0; d < D; d++) {
    for (let h = 0; h < H; h++) {
      for (let w = 0; w < W; w++, i++) {
        if (scan[i]! <= threshold && !palette[labels[i]!]) continue
        if (d < low[0]) low[0] = d
        if (h < low[1]) low[1] = h
        if (w < low[2]) low[2] = w
        if (d > high[0]) high[0] = d
        if (h > high[1]) high[1] = h
        if (w > high[2]) high[2] = w
      }
    }
  }
  if (high[0] < 0) return { start: [0, 0, 0], shape: grid.shape }
  const shape = [0, 1, 2].map((axis) => high[axis]! - low[axis]! + 1) as [number, number, number]
  return { start: low, shape }
}

/** A part of a volume. */
export function cropped(volume: OverlaidVolume, { start, shape }: Bounds): OverlaidVolume {
  const { grid, scan, labels, palette } = volume
  const [, H, W] = grid.shape
  const voxels = shape[0] * shape[1] * shape[2]
  const [inside, found] = [new Float32Array(voxels), new Uint8Array(voxels)]
  for (let d = 0, at = 0; d < shape[0]; d++) {
    for (let h = 0; h < shape[1]; h++, at += shape[2]) {
      const from = ((d + start[0]) * H + h + start[1]) * W + start[2]
      inside.set(scan.subarray(from, from + shape[2]), at)
      found.set(labels.subarray(from, from + shape[2]), at)
    }
  }
  return { grid: { ...grid, shape }, scan: inside, labels: found, palette }
}

/** The middle of what has a colour along each axis of the array, or of the volume if nothing has. */
export function centreOf({ grid, labels, palette }: OverlaidVolume): [number, number, number] {
  const [D, H, W] = grid.shape
  const sums = [0, 0, 0]
  let count = 0
  for (let i = 0; i < labels.length; i++) {
    if (!palette[labels[i]!]) continue
    count++
    sums[0]! += Math.floor(i / (H * W))
    sums[1]! += Math.floor(i / W) % H
    sums[2]! += i % W
  }
  const middle = (axis: number, extent: number): number =>
    count === 0 ? Math.floor(extent / 2) : Math.round(sums[axis]! / count)
  return [middle(0, D), middle(1, H), middle(2, W)]
}

interface SliceView {
  readonly plane: PlaneName
  /** Along the axis of the array that the plane cuts. */
  readonly depth: number
  /** Pixels per millimetre. */
  readonly scale: number
  readonly window: Window
  /** Whether letters beside the picture say which side is which. */
  readonly marked: boolean
}

/** Share of the colour in the mixture with the scan. */
const opacity = 0.55
const markScale = 2
/** Room for a letter on each side. */
const margin = textWidth('R', markScale) + 8
const ink: Colour = [235, 235, 235]

/** A slice of the scan as it is, and with the colours of the labels over it. */
export function renderSlices(volume: OverlaidVolume, view: SliceView): { plain: Picture; overlaid: Picture } {
  const slice = sliceAt(volume.grid, view.plane, view.depth)
  const size = (extent: number, length: number): number =>
    Math.max(1, Math.round(extent * length * view.scale))
  const width = size(slice.width, slice.pixelSize[0])
  const height = size(slice.height, slice.pixelSize[1])
  const side = view.marked ? margin : 0
  const draw = (): Canvas => {
    const canvas = new Canvas(width + 2 * side, height)
    canvas.raster(side, 0, width, height, greyRaster(volume.scan, slice, view.window), true)
    if (!view.marked) return canvas
    const top = Math.floor((height - glyphHeight * markScale) / 2)
    const [left, right] = sidesOfPlane(view.plane)
    canvas.text(4, top, markScale, left, ink)
    canvas.text(width + side + 4, top, markScale, right, ink)
    return canvas
  }
  const overlaid = draw()
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) / height) * slice.height) * slice.width
    for (let x = 0; x < width; x++) {
      const column = Math.floor(((x + 0.5) / width) * slice.width)
      const colour = volume.palette[volume.labels[slice.offsets[row + column]!]!]
      if (!colour) continue
      const at = (y * overlaid.width + x + side) * 4
      for (let channel = 0; channel < 3; channel++)
        overlaid.data[at + channel] = Math.round(
          (1 - opacity) * overlaid.data[at + channel]! + opacity * colour[channel]!,
        )
    }
  }
  return { plain: draw(), overlaid }
}

function greyRaster(
  scan: Float32Array,
  { width, height, offsets }: { width: number; height: number; offsets: Int32Array },
  [black, white]: Window,
): Raster {
  const rgb = new Float32Array(offsets.length * 3)
  offsets.forEach((offset, i) => {
    const grey = 255 * Math.min(Math.max((scan[offset]! - black) / (white - black), 0), 1)
    rgb.fill(grey, 3 * i, 3 * i + 3)
  })
  return { width, height, rgb }
}

/** Planes that a report shows: through the centre in all three directions, then more in each. */
export function chosenPlanes(
  { grid }: OverlaidVolume,
  centre: readonly [number, number, number],
): { readonly central: readonly Plane[]; readonly more: readonly Plane[] } {
  const at = (plane: PlaneName, share: number): Plane => {
    const extent = grid.shape[axisAcross(grid, plane)]
    return { plane, depth: Math.min(extent - 1, Math.round(share * (extent - 1))) }
  }
  const through = (plane: PlaneName): Plane => ({ plane, depth: centre[axisAcross(grid, plane)] })
  return {
    central: [through('axial'), through('coronal'), through('sagittal')],
    more: [
      ...[0.2, 0.35, 0.65, 0.8].map((share) => at('axial', share)),
      ...[0.25, 0.4, 0.6, 0.75].map((share) => at('coronal', share)),
      ...[0.25, 0.75].map((share) => at('sagittal', share)),
    ],
  }
}

interface Plane {
  readonly plane: PlaneName
  readonly depth: number
}
