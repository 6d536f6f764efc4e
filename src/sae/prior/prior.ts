import { UserError } from '../../errors.js'
import { supportThreshold, type Box } from '../../ops/index.js'
import type { SpatialShape } from '../shape.js'

/** What a prior is about. */
export interface PriorLayout {
  /** K, the number of channels. */
  readonly classes: number
  /** [D, H, W] of scans and segmentations. */
  readonly shape: readonly [number, number, number]
  /** The voxels that `data` holds; the others are certainly background. Default: all (see `cropPrior`). */
  readonly region?: Box
  /** What the channels are if classes are divided (see `divided`); undefined if each is a class. */
  readonly parts?: readonly Part[]
}

/** Knowledge before seeing a scan: class probabilities at every voxel. */
export interface Prior extends PriorLayout {
  /** [K, D, H, W], or of the extents of the region. */
  readonly data: Float32Array
}

/**
 * One channel of a network whose classes may span several. The decoder has one intensity per channel, but some classes have
 * several: the background is air and the rim around the brain, and the rest is many structures.
 */
export interface Part {
  /** The class that it belongs to, 0..K-1; parts are ordered by class. */
  readonly class: number
  /** Its share of the class; those of a class sum to 1. */
  readonly share: number
}

/** The voxels of each class. @throws UserError unless all classes have as many */
function voxelsPerClass({ length }: Float32Array, K: number): number {
  if (length % K !== 0) throw new UserError(`prior: ${length} values, but ${K} classes`)
  return length / K
}

/** Sum over channels at each voxel, [D, H, W]. */
function channelSums(prior: Float32Array, K: number): Float64Array {
  const voxels = voxelsPerClass(prior, K)
  const sums = new Float64Array(voxels)
  for (let c = 0, at = 0; c < K; c++) {
    for (let i = 0; i < voxels; i++, at++) sums[i]! += prior[at]!
  }
  return sums
}

/** Divides each voxel by its sum over classes, in place. @throws UserError at a voxel without any probability. */
export function normalisePrior(prior: Float32Array, K: number, source = 'prior'): Float32Array {
  const sums = channelSums(prior, K)
  const voxels = sums.length
  const empty = sums.findIndex((sum) => !(sum > 0))
  if (empty !== -1) {
    throw new UserError(
      `${source}: voxel ${empty} sums to ${sums[empty]!} over the classes; every voxel needs one`,
    )
  }
  for (let c = 0, at = 0; c < K; c++) {
    for (let i = 0; i < voxels; i++, at++) prior[at]! /= sums[i]!
  }
  return prior
}

/**
 * Returns a prior [K, D, H, W] unchanged if it is one: finite, not negative, sums of 1 within 1e-3.
 *
 * @param source file name for the message
 * @throws UserError with the worst voxel (its index along D, H, W) and its sum
 */
export function checkPrior(
  prior: Float32Array,
  shape: SpatialShape,
  K: number,
  source = 'prior',
): Float32Array {
  const [D, H, W] = shape
  const voxels = D * H * W
  if (prior.length !== K * voxels) {
    throw new UserError(
      `${source}: ${prior.length} values, but ${K} classes of ${shape.join('x')} voxels need ${K * voxels}`,
    )
  }
  const place = (i: number): string => `[${Math.trunc(i / (H * W))}, ${Math.trunc(i / W) % H}, ${i % W}]`
  const bad = prior.findIndex((value) => !(value >= 0 && value < Infinity))
  if (bad !== -1) {
    const where = `class ${Math.trunc(bad / voxels)} at voxel ${place(bad % voxels)}`
    throw new UserError(`${source}: ${where} is ${prior[bad]!}; probabilities are finite and 0 or more`)
  }
  const sums = channelSums(prior, K)
  let worst = 0
  for (let i = 1; i < voxels; i++) if (Math.abs(sums[i]! - 1) > Math.abs(sums[worst]! - 1)) worst = i
  const sum = sums[worst]!
  if (Math.abs(sum - 1) > 1e-3) {
    throw new UserError(
      `${source}: the classes sum to ${Number(sum.toPrecision(4))} at voxel ${place(worst)}, not to 1; normalise the prior`,
    )
  }
  return prior
}

/** The most probable class of each voxel, [D, H, W]; the lower class wins a tie. */
export function priorArgmax(prior: Float32Array, K: number): Uint8Array {
  const voxels = voxelsPerClass(prior, K)
  const classes = new Uint8Array(voxels)
  const best = prior.slice(0, voxels)
  for (let c = 1, at = voxels; c < K; c++) {
    for (let i = 0; i < voxels; i++, at++) {
      if (prior[at]! > best[i]!) {
        best[i] = prior[at]!
        classes[i] = c
      }
    }
  }
  return classes
}

/** The prior of the classes that it supports: values below the threshold are 0, each voxel sums to 1. [K, D, H, W] */
export function supportedPrior({ data, classes: K }: Prior, threshold = supportThreshold): Float32Array {
  const supported = data.map((p) => (p < threshold ? 0 : p))
  const sums = channelSums(supported, K)
  const voxels = sums.length
  for (let c = 0, at = 0; c < K; c++) for (let i = 0; i < voxels; i++, at++) supported[at]! /= sums[i]!
  return supported
}
