/**
 * Dice overlap of two class maps, `(2|P and T| + 1) / (|P| + |T| + 1)` for each class (SAE.md, "Classes").
 * A class absent from both scores 1.
 *
 * @param predicted class per voxel, any order
 * @param truth class per voxel, the same order and length
 * @returns K scores in (0, 1]
 * @throws RangeError if the lengths differ
 */
export function diceScores(predicted: Uint8Array, truth: Uint8Array, K: number): number[] {
  if (predicted.length !== truth.length) {
    throw new RangeError(`Dice of ${predicted.length} voxels against ${truth.length}.`)
  }
  const sizes = new Float64Array(256)
  const overlaps = new Float64Array(256)
  for (let i = 0; i < truth.length; i++) {
    const p = predicted[i]!
    const t = truth[i]!
    sizes[p]!++
    sizes[t]!++
    if (p === t) overlaps[p]!++
  }
  return Array.from({ length: K }, (_, c) => (2 * overlaps[c]! + 1) / (sizes[c]! + 1))
}

/** Mean score over `classes`; `foregroundClasses(table)` gives those of a label table. */
export function meanDice(scores: readonly number[], classes: readonly number[]): number {
  return classes.reduce((sum, c) => sum + scores[c]!, 0) / classes.length
}
