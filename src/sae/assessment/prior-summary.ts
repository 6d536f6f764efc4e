import type { LabelTable } from '../labels/label-table.js'
import { type Prior, priorArgmax } from '../prior/prior.js'

/** What is known from a prior alone; computed once, then compared with the segmentation of every scan. */
export interface PriorSummary {
  /** The prior itself. */
  readonly prior: Prior
  /** Its classes. */
  readonly table: LabelTable
  /** Most probable class of each voxel, [D, H, W]. */
  readonly argmax: Uint8Array
  /** Voxels of each class in the argmax. */
  readonly argmaxVoxels: readonly number[]
  /** Probability mass of each class, in voxels: how many the prior expects. */
  readonly expectedVoxels: readonly number[]
  /** Entropy, -sum_c p log p, in nats, mean over voxels. */
  readonly entropy: number
}

/** @throws RangeError if the table has another number of classes than the prior */
export function summarisePrior(prior: Prior, table: LabelTable): PriorSummary {
  const { data, classes } = prior
  if (table.classes.length !== classes) {
    throw new RangeError(`A table of ${table.classes.length} classes for a prior of ${classes}.`)
  }
  const voxels = data.length / classes
  const argmax = priorArgmax(data, classes)
  const expectedVoxels: number[] = []
  let entropy = 0
  for (let c = 0; c < classes; c++) {
    let mass = 0
    for (let at = c * voxels; at < (c + 1) * voxels; at++) {
      const p = data[at]!
      if (p === 0) continue
      mass += p
      entropy -= p * Math.log(p)
    }
    expectedVoxels.push(mass)
  }
  const argmaxVoxels = classVoxels(argmax, classes)
  return { prior, table, argmax, argmaxVoxels, expectedVoxels, entropy: entropy / voxels }
}

/** Voxels of each class of a map, K numbers. @throws RangeError if a voxel has a class of K or more */
export function classVoxels(classes: Uint8Array, K: number): number[] {
  const counts = new Array<number>(K).fill(0)
  for (const c of classes) {
    if (c >= K) throw new RangeError(`A voxel of class ${c}; there are ${K} classes.`)
    counts[c]!++
  }
  return counts
}
