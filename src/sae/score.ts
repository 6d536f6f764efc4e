import { diceScores } from './dice.js'

/**
 * Dice per class of a batch's segmentations, averaged over the scans that have a reference; undefined where none has.
 *
 * @param segmentation classes, [N, 1, D, H, W]
 */
export function batchDice(
  segmentation: Uint32Array,
  truths: readonly (Uint8Array | undefined)[],
  classes: number,
): number[] | undefined {
  const size = segmentation.length / truths.length
  const scores = truths.flatMap((truth, n) =>
    truth
      ? [diceScores(Uint8Array.from(segmentation.subarray(n * size, (n + 1) * size)), truth, classes)]
      : [],
  )
  if (scores.length === 0) return undefined
  return Array.from(
    { length: classes },
    (_, c) => scores.reduce((sum, score) => sum + score[c]!, 0) / scores.length,
  )
}
