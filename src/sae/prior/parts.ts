import { UserError } from '../../errors.js'
import type { TrainingScan } from '../training/batches.js'
import type { FittedMixture, GaussianMixture } from '../mixture/gaussian-mixture.js'
import type { LabelTable } from '../labels/label-table.js'
import type { Architecture } from '../model.js'
import type { Part, Prior } from './prior.js'

/**
 * The parts of classes, one for each component of those that have several parts, their shares averaged over the fits.
 *
 * @param counts parts of each class, [K]
 */
function partsOf(fits: readonly FittedMixture[], counts: readonly number[]): Part[] {
  const share = (c: number, m: number): number =>
    fits.reduce((sum, { mixture }) => sum + mixture[c]![m]!.weight, 0) / fits.length
  return counts.flatMap((count, c) =>
    count === 1
      ? [{ class: c, share: 1 }]
      : Array.from({ length: count }, (_, m) => ({ class: c, share: share(c, m) })),
  )
}

/**
 * How many parts each class has, [K]: `several` for the background and the rest, which are not a single tissue, and 1
 * for every other class.
 */
export function partCounts({ classes, rest }: LabelTable, several: number): number[] {
  return classes.map((_, c) => (c === 0 || c === rest ? several : 1))
}

/** Scans with the mixtures of channels that follow from mixtures of classes, one for each scan. */
export function withMixtures(
  scans: readonly TrainingScan[],
  fits: readonly FittedMixture[],
  parts: readonly Part[] | undefined,
): TrainingScan[] {
  return scans.map((scan, i) => {
    const { mixture, field } = fits[i]!
    return { ...scan, fit: { mixture: mixtureOfChannels(mixture, parts), field } }
  })
}

/** What a network learns from, before or after its classes are divided. */
export interface Learnable {
  /** Of the network. */
  readonly architecture: Architecture
  /** With a channel for each of the network's. */
  readonly prior: Prior
  /** What it learns from. */
  readonly scans: readonly TrainingScan[]
}

/**
 * Divides the classes of a network before it is created: a channel for each part in the architecture and the prior,
 * and the scans with the mixtures of those channels.
 *
 * @param counts parts of each class, [K]
 */
export function dividedByFits(
  { architecture, prior, scans }: Learnable,
  fits: readonly FittedMixture[],
  counts: readonly number[],
): Learnable {
  const parts = partsOf(fits, counts)
  return {
    architecture: { ...architecture, classes: parts.length, parts },
    prior: divided(prior, parts),
    scans: withMixtures(scans, fits, parts),
  }
}

/**
 * Checks the parts of classes that a file holds.
 *
 * @param channels how many there must be
 * @returns them unchanged
 * @throws UserError if they are not valid parts
 */
export function requireParts(value: unknown, channels: number, source: string): readonly Part[] {
  const parts: readonly unknown[] = Array.isArray(value) ? value : []
  let last = -1
  const sound = parts.every((part) => {
    const { class: c, share } = (part ?? {}) as Partial<Record<keyof Part, unknown>>
    const follows = c === last || c === last + 1
    if (follows) last = c
    return follows && c >= 0 && typeof share === 'number' && share >= 0 && share <= 1
  })
  if (!sound || parts.length !== channels)
    throw new UserError(`${source}: the parts of its classes make no sense; the file is damaged`)
  return parts as readonly Part[]
}

/** The number of classes K that the parts make up. */
export function classesOf(parts: readonly Part[]): number {
  return parts.at(-1)!.class + 1
}

/** A mixture of classes as one of channels: a class of several parts has one component for each of them. */
function mixtureOfChannels(mixture: GaussianMixture, parts: readonly Part[] | undefined): GaussianMixture {
  if (!parts) return mixture
  const counts = partCountsOf({ classes: mixture.length, parts })
  return mixture.flatMap((components, c) =>
    counts[c] === 1 ? [components] : components.map((component) => [{ ...component, weight: 1 }]),
  )
}

/** How many channels of a network each class has, [K]. */
export function partCountsOf({
  classes,
  parts,
}: {
  readonly classes: number
  readonly parts?: readonly Part[]
}): number[] {
  if (!parts) return Array.from({ length: classes }, () => 1)
  return Array.from({ length: classesOf(parts) }, (_, c) => parts.filter((part) => part.class === c).length)
}

/** The least share that a part keeps, so that no class is ruled out if the prior allows it. */
const leastShare = 1e-3

/** Divides the classes of a prior among their parts: the same probabilities, a channel for each part. */
export function divided(prior: Prior, parts: readonly Part[]): Prior {
  const voxels = prior.data.length / prior.classes
  const data = new Float32Array(parts.length * voxels)
  parts.forEach(({ class: c, share }, part) => {
    const factor = Math.max(share, leastShare)
    const source = prior.data.subarray(c * voxels, (c + 1) * voxels)
    for (let i = 0, at = part * voxels; i < voxels; i++, at++) data[at] = factor * source[i]!
  })
  return { ...prior, data, classes: parts.length, parts }
}

/** Adds up the probabilities of each class's parts, [parts, ...] -> [K, ...]. */
export function mergedProbabilities(data: Float32Array, parts: readonly Part[]): Float32Array {
  const voxels = data.length / parts.length
  const merged = new Float32Array(classesOf(parts) * voxels)
  parts.forEach(({ class: c }, part) => {
    for (let i = 0, from = part * voxels, to = c * voxels; i < voxels; i++) merged[to++]! += data[from++]!
  })
  return merged
}

/** A table of pairs of classes as one of pairs of parts, [K, K] -> [parts, parts]. */
export function tableOfParts(table: Float32Array, parts: readonly Part[]): Float32Array {
  const K = classesOf(parts)
  return Float32Array.from(parts.flatMap((own) => parts.map((other) => table[own.class * K + other.class]!)))
}
