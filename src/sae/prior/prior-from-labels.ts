import { UserError } from '../../errors.js'
import { boxShape } from '../../ops/shared/box.js'
import { normalisePrior } from './prior.js'
import {
  classBoxes,
  classIndicator,
  filterAxis,
  placeSampled,
  reflectEdge,
  sampledShape,
  type LineFilter,
} from '../separable-filter.js'
import { voxelsOf, type SpatialShape } from '../shape.js'

/** Standard deviation of a Gaussian in voxels: one for all axes, or along D, H, W. */
export type Blur = number | SpatialShape

/** How a label map becomes probabilities. */
export interface PriorOptions {
  /** Standard deviation of the Gaussian in voxels, along D, H, W if they differ; 0 does not blur. Default 1.5. */
  readonly sigma?: Blur
  /** Keep every n-th voxel along each axis, once blurred. Default 1. */
  readonly every?: number
  /** Values below this become 0. Default 0: keep everything. */
  readonly floor?: number
  /** Divide each voxel by its sum over classes. Default: only if a floor was applied. */
  readonly normalise?: boolean
}

/**
 * A prior from one label map: one-hot, each channel Gaussian-blurred as by `scipy.ndimage.gaussian_filter(float32,
 * truncate=3)`: radius `int(3 * sigma + 0.5)`, edges reflected, float64 sums (docs/equations.md, "Priors").
 *
 * @param classes one class `0..K-1` per voxel, [D, H, W]
 * @returns probabilities, [K, D', H', W'] with D' = ceil(D / every)
 * @throws UserError for settings out of range, if there are not as many voxels as the shape has, if one is of another class, or
 *   if the floor removes all classes of a voxel
 */
export function priorFromLabels(
  classes: Uint8Array,
  shape: SpatialShape,
  K: number,
  { sigma = 1.5, every = 1, floor = 0, normalise = floor > 0 }: PriorOptions = {},
): Float32Array {
  const blur = blurOf(sigma)
  requireFloor(floor, K)
  const kept = sampledShape(shape, every)
  const voxels = voxelsOf(kept)
  const prior = new Float32Array(K * voxels)
  classBoxes(classes, shape, K, blur.map(radiusOf) as [number, number, number]).forEach((box, c) => {
    if (box === undefined) return
    // Beyond the box the class is absent; within, reflected edges are either the volume's own or all zeros.
    const channel = classIndicator(classes, shape, box, c)
    blurChannel(channel, boxShape(box), blur)
    if (floor > 0)
      channel.forEach((value, i) => {
        if (value < floor) channel[i] = 0
      })
    placeSampled(channel, box, shape, every, prior.subarray(c * voxels, (c + 1) * voxels))
  })
  if (normalise) normalisePrior(prior, K)
  return prior
}

/** Blurs each channel of a prior [K, D, H, W] as `priorFromLabels` does, in place. @throws UserError for a sigma out of range */
export function blurPrior(prior: Float32Array, shape: SpatialShape, K: number, sigma: Blur): Float32Array {
  const blur = blurOf(sigma)
  const voxels = prior.length / K
  for (let c = 0; c < K; c++) blurChannel(prior.subarray(c * voxels, (c + 1) * voxels), shape, blur)
  return prior
}

/**
 * Sets values below `floor` to 0 and normalises, in place. @throws UserError for a floor out of range, or one that
 * removes all classes of a voxel
 */
export function floorPrior(prior: Float32Array, K: number, floor: number): Float32Array {
  requireFloor(floor, K)
  for (let i = 0; i < prior.length; i++) if (prior[i]! < floor) prior[i] = 0
  return normalisePrior(prior, K)
}

/** The blur along D, H, W. @throws UserError for one out of range */
function blurOf(sigma: Blur): SpatialShape {
  const blur = typeof sigma === 'number' ? ([sigma, sigma, sigma] as const) : sigma
  const wrong = blur.find((value) => !(value >= 0 && value <= 100))
  if (wrong !== undefined) throw new UserError(`prior blur of ${wrong} voxels; give 0 to 100`)
  return blur
}

function radiusOf(sigma: number): number {
  return Math.trunc(3 * sigma + 0.5)
}

function blurChannel(channel: Float32Array, shape: SpatialShape, blur: SpatialShape): void {
  for (const axis of [0, 1, 2] as const) {
    const radius = radiusOf(blur[axis])
    if (radius > 0) filterAxis(channel, shape, axis, radius, reflectEdge, gaussianFilter(blur[axis], radius))
  }
}

function requireFloor(floor: number, K: number): void {
  if (!(floor >= 0 && floor < 1 / K)) throw new UserError(`prior floor ${floor}; give 0 up to 1 / classes`)
}

/** scipy's symmetric correlation: float64 sums from the farthest tap inwards, rounded to float32 once per axis. */
function gaussianFilter(sigma: number, radius: number): LineFilter {
  const weight = Float64Array.from({ length: radius + 1 }, (_, t) =>
    t === 0 ? 1 : Math.exp((-0.5 * t * t) / sigma ** 2),
  )
  const total = weight.reduce((sum, value, t) => sum + (t === 0 ? value : 2 * value), 0)
  for (let t = 0; t <= radius; t++) weight[t]! /= total
  return (padded, output, stride, count) => {
    const centre = radius * stride
    for (let k = 0; k < count; k++) {
      let sum = padded[k + centre]! * weight[0]!
      for (let t = radius, near = k, far = k + 2 * centre; t > 0; t--, near += stride, far -= stride) {
        sum += (padded[near]! + padded[far]!) * weight[t]!
      }
      output[k] = sum
    }
  }
}
