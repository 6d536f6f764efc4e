import { supportThreshold, type Box } from '../ops/index.js'
import { mrfTable, logMrfTable, pointwiseMrfTable } from './mrf-table.js'
import { classesOf, mergedProbabilities, tableOfParts, type Part } from './parts.js'
import { priorArgmax } from './prior.js'
import { onWholeGrid } from './region.js'

/** What a prior is about. */
export interface PriorLayout {
  /** K, the number of channels. */
  readonly classes: number
  /** [D, H, W] of scans and segmentations. */
  readonly shape: readonly [number, number, number]
  /** The voxels that `data` holds; the others are background for certain. Default: all (see `cropPrior`). */
  readonly region?: Box
  /** What the channels are if classes are divided (see `divided`); undefined if each is a class. */
  readonly parts?: readonly Part[]
}

/** What is known before seeing a scan: class probabilities at every voxel. */
export interface Prior extends PriorLayout {
  /** [K, D, H, W], or of the extents of the region. */
  readonly data: Float32Array
}

/** Potentials of the MRF: `conditional` is log M as published, `pointwise` is log M - log P (see `pointwiseMrfTable`). */
export type MrfPotential = 'pointwise' | 'conditional'

/** The potentials of a prior: which classes neighbour each other in its argmax, by default log M of SAE.md. [K, K] */
export function mrfTableOf(
  prior: Prior,
  neighbourhood: number,
  potential: MrfPotential = 'conditional',
): Float32Array {
  const { parts, shape, region } = prior
  if (parts) {
    const data = mergedProbabilities(prior.data, parts)
    const merged = { data, classes: classesOf(parts), shape, ...(region ? { region } : {}) }
    return tableOfParts(mrfTableOf(merged, neighbourhood, potential), parts)
  }
  const { data, classes: K } = prior
  const classes = onWholeGrid(priorArgmax(data, K), prior)
  const table = mrfTable(classes, shape, K, neighbourhood)
  if (potential === 'conditional') return logMrfTable(table)
  const shares = new Float64Array(K)
  for (const c of classes) shares[c]! += 1 / classes.length
  return pointwiseMrfTable(table, shares)
}

/** The prior of the classes that it supports: values below the threshold are 0, each voxel sums to 1. [K, D, H, W] */
export function supportedPrior({ data, classes: K }: Prior, threshold = supportThreshold): Float32Array {
  const voxels = data.length / K
  const supported = data.map((p) => (p < threshold ? 0 : p))
  const sums = new Float64Array(voxels)
  for (let c = 0, at = 0; c < K; c++) for (let i = 0; i < voxels; i++, at++) sums[i]! += supported[at]!
  for (let c = 0, at = 0; c < K; c++) for (let i = 0; i < voxels; i++, at++) supported[at]! /= sums[i]!
  return supported
}
