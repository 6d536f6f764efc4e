import { classesOf } from '../prior/parts.js'
import type { PriorLayout } from '../prior/prior.js'
import { onWholeGrid } from '../prior/region.js'

/**
 * Dice overlap of two class maps, `(2|P and T| + 1) / (|P| + |T| + 1)` for each class (docs/equations.md, "Classes").
 * A class absent from both scores 1.
 *
 * @param predicted class per voxel, any order
 * @param truth class per voxel, the same order and length
 * @returns K scores in (0, 1]
 * @throws RangeError if the lengths differ, or a voxel is of no class 0..K-1
 */
export function diceScores(predicted: Uint8Array, truth: Uint8Array, K: number): number[] {
  return overlapsOf(predicted, truth, K).map(([both, size]) => (2 * both + 1) / (size + 1))
}

/** |P and T| and |P| + |T| of each class. */
function overlapsOf(predicted: Uint8Array, truth: Uint8Array, K: number): (readonly [number, number])[] {
  if (predicted.length !== truth.length) {
    throw new RangeError(`Dice of ${predicted.length} voxels against ${truth.length}.`)
  }
  const overlaps = new Float64Array(K)
  const sizes = new Float64Array(K)
  for (let i = 0; i < truth.length; i++) {
    const p = predicted[i]!
    const t = truth[i]!
    if (!(p < K && t < K)) throw new RangeError(`voxel ${i} has class ${Math.max(p, t)}; give 0 to ${K - 1}`)
    sizes[p]!++
    sizes[t]!++
    if (p === t) overlaps[p]!++
  }
  return Array.from(overlaps, (both, c) => [both, sizes[c]!])
}

/**
 * Mean score over those of `classes` that have one; `foregroundClasses(table)` gives those of a label table.
 *
 * @param scores undefined for a class that neither map has
 * @returns NaN if none of the classes has a score
 */
export function meanDice(scores: readonly (number | undefined)[], classes: readonly number[]): number {
  const known = classes.map((c) => scores[c]).filter((score) => score !== undefined)
  return known.reduce((sum, score) => sum + score, 0) / known.length
}

/** Scores of two class maps as by `diceScores`, undefined for a class that neither has. */
export function presentScores(predicted: Uint8Array, truth: Uint8Array, K: number): (number | undefined)[] {
  return overlapsOf(predicted, truth, K).map(([both, size]) =>
    size === 0 ? undefined : (2 * both + 1) / (size + 1),
  )
}

/**
 * Dice per class of a batch's segmentations, averaged over the scans that have a reference; undefined if none has. Of a
 * class, the scans count in which it is present; its score is undefined if there are none.
 *
 * @param segmentation classes, [N, 1, ...] of the prior's region
 * @param truths classes, of the whole grid
 */
export function batchDice(
  segmentation: Uint32Array,
  truths: readonly (Uint8Array | undefined)[],
  prior: PriorLayout,
): (number | undefined)[] | undefined {
  const { parts, classes: channels } = prior
  const size = segmentation.length / truths.length
  const classes = parts ? classesOf(parts) : channels
  const scores = truths.flatMap((truth, n) => {
    if (!truth) return []
    const labels = Uint8Array.from(segmentation.subarray(n * size, (n + 1) * size))
    return [presentScores(onWholeGrid(labels, prior), truth, classes)]
  })
  if (scores.length === 0) return undefined
  return Array.from({ length: classes }, (_, c) => {
    const known = scores.map((score) => score[c]).filter((score) => score !== undefined)
    return known.length === 0 ? undefined : known.reduce((sum, score) => sum + score, 0) / known.length
  })
}
