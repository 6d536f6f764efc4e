import { UserError } from '../../errors.js'
import type { Random } from '../phantom/random.js'
import type { SpatialShape } from '../shape.js'
import type { Deformation } from './deformation.js'
import { exponential } from './exponential.js'
import { headMask } from './head-mask.js'
import type { IntensityModel } from './intensities.js'
import { NormalNoise, normalField } from './noise.js'
import { paint } from './paint.js'
import { average, blur, interpolate } from './resample.js'
import { warpLabels } from './warp.js'

/** A number, or the limits between which each scan draws its own, uniformly. */
export type Range = number | readonly [low: number, high: number]

/** The settings of the simulated scanner. Lengths are in millimetres. */
export interface AcquisitionOptions {
  /** Width of the rim of fluid and membranes that skull stripping leaves around the brain, 0 to 20. Default 4 to 6. */
  readonly rim?: Range
  /** Distance over which the texture of a tissue changes; below a voxel, voxels are independent. Default 2 to 4. */
  readonly grain?: Range
  /** Standard deviation of the point spread, which gives partial volume. Default 0.8 to 1.2. */
  readonly blur?: Range
  /** Size along D, H, W of the voxels that are measured, if larger than those of the scan. Default 0: the scan's own. */
  readonly resolution?: readonly [Range, Range, Range]
  /** Standard deviation of the bias field's logarithm, 0 to 1. Default 0 to 0.05. */
  readonly bias?: Range
  /** Standard deviation of the noise, 0 to 1; intensities reach 1. Default 0.005 to 0.01. */
  readonly noise?: Range
  /** Rician noise, as in magnitude images, instead of Gaussian noise. Default false. */
  readonly rician?: boolean
}

/** The values of one scan. */
export interface Acquisition {
  /** Width of the rim about the brain, in millimetres. */
  readonly rim: number
  /** Size of the texture within tissues, in millimetres. */
  readonly grain: number
  /** Deviation of the blur, in millimetres. */
  readonly blur: number
  /** Voxel size of the simulated scan along each axis, in millimetres. */
  readonly resolution: readonly [number, number, number]
  /** Deviation of the bias field, as a share of the intensity. */
  readonly bias: number
  /** Standard deviation of the noise. */
  readonly noise: number
  /** Whether the noise is Rician rather than Gaussian. */
  readonly rician: boolean
}

/** @throws UserError for a range that is out of bounds */
export function drawAcquisition(options: AcquisitionOptions, random: Random): Acquisition {
  const { rim = [4, 6], grain = [2, 4], blur = [0.8, 1.2], resolution = [0, 0, 0] } = options
  const { bias = [0, 0.05], noise = [0.005, 0.01], rician = false } = options
  const draw = (name: string, range: Range, most: number): number => {
    const [low, high] = typeof range === 'number' ? [range, range] : range
    if (!(low >= 0 && low <= high && high <= most)) {
      throw new UserError(`${name} of ${low === high ? low : `${low} to ${high}`}; give 0 to ${most}`)
    }
    return low + (high - low) * random.uniform()
  }
  const coarseness = (range: Range): number => draw('resolution in mm', range, 100)
  return {
    rim: draw('rim in mm', rim, 20),
    grain: draw('grain in mm', grain, 100),
    blur: draw('blur in mm', blur, 20),
    resolution: [coarseness(resolution[0]), coarseness(resolution[1]), coarseness(resolution[2])],
    bias: draw('bias', bias, 1),
    noise: draw('noise', noise, 1),
    rician,
  }
}

/**
 * Deforms a label map and scans it.
 *
 * @param source classes on the source grid of the deformation, 0 is background
 * @param spacing voxel sizes of the output in millimetres
 * @returns the scan (0..1) and the deformed labels, both [D, H, W] on the output grid
 */
export function acquire(
  source: Uint8Array,
  deformation: Deformation,
  spacing: SpatialShape,
  model: IntensityModel,
  { rim, grain, blur: pointSpread, resolution, bias, noise, rician }: Acquisition,
  random: Random,
): { scan: Float32Array; labels: Uint8Array } {
  const shape = deformation.output
  const each = (of: (size: number, axis: 0 | 1 | 2) => number): SpatialShape => [
    of(spacing[0], 0),
    of(spacing[1], 1),
    of(spacing[2], 2),
  ]
  const [outline, texture, inhomogeneity, receiver] = [0, 1, 2, 3].map(() => random.fork()) as [
    Random,
    Random,
    Random,
    Random,
  ]
  const labels = warpLabels(source, deformation)
  const head = headMask(labels, shape, rim, spacing, outline)
  // The part of the point spread that lies within a voxel is sampled from the source, the rest is filtered.
  const within = each((size) => Math.min(pointSpread / size, maxWithin))
  const beyond = each((size, axis) =>
    Math.sqrt((pointSpread / size) * (pointSpread / size) - within[axis] * within[axis]),
  )
  const canvas = { source, labels, deformation, head }
  const image = paint(
    canvas,
    model,
    each((size) => grain / size),
    within,
    texture,
  )
  blur(image, shape, beyond)

  const coarse = each((size, axis) =>
    Math.max(1, Math.round((shape[axis] * size) / Math.max(resolution[axis], size))),
  )
  const measured = average(image, shape, coarse)
  const measuredSpacing = each((size, axis) => (size * shape[axis]) / coarse[axis])
  applyBias(measured, coarse, measuredSpacing, bias, inhomogeneity)
  addNoise(measured, noise, rician, receiver)
  const scan = interpolate(measured, coarse, shape)
  for (let i = 0; i < scan.length; i++) scan[i] = head[i] === 0 ? 0 : Math.min(Math.max(scan[i]!, 0), 1)
  return { scan, labels }
}

/** In voxels: about the standard deviation of a voxel's own box, 1 / sqrt 12. */
const maxWithin = 0.3

/** Millimetres between the control points of the bias field. */
const biasDistance = 80

/** Multiplies by a smooth field whose logarithm has that standard deviation, in place. */
function applyBias(
  image: Float32Array,
  shape: SpatialShape,
  spacing: SpatialShape,
  bias: number,
  random: Random,
): void {
  if (bias === 0) return
  const [D, H, W] = shape
  const distance: SpatialShape = [
    biasDistance / spacing[0],
    biasDistance / spacing[1],
    biasDistance / spacing[2],
  ]
  const field = normalField(random, shape, distance)
  const row = new Float64Array(W)
  for (let d = 0, offset = 0; d < D; d++) {
    for (let h = 0; h < H; h++, offset += W) {
      field.row(d, h, row)
      for (let w = 0; w < W; w++) {
        if (image[offset + w] !== 0) image[offset + w]! *= exponential(bias * row[w]!)
      }
    }
  }
}

function addNoise(image: Float32Array, deviation: number, rician: boolean, random: Random): void {
  if (deviation === 0) return
  const { next } = new NormalNoise(random)
  for (let i = 0; i < image.length; i++) {
    const real = image[i]! + deviation * next()
    const imaginary = rician ? deviation * next() : 0
    image[i] = rician ? Math.sqrt(real * real + imaginary * imaginary) : real
  }
}
