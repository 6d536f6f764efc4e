import { diceScores } from './dice.js'
import type { Prior } from './prior-volume.js'
import { onWholeGrid } from './region.js'

/**
 * Dice per class of a batch's segmentations, averaged over the scans that have a reference; undefined where none has.
 *
 * @param segmentation classes, [N, 1, ...] of the prior's region
 * @param truths of the whole grid
 */
export function batchDice(
  segmentation: Uint32Array,
  truths: readonly (Uint8Array | undefined)[],
  prior: Prior,
): number[] | undefined {
  const size = segmentation.length / truths.length
  const scores = truths.flatMap((truth, n) => {
    if (!truth) return []
    const classes = Uint8Array.from(segmentation.subarray(n * size, (n + 1) * size))
    return [diceScores(onWholeGrid(classes, prior), truth, prior.classes)]
  })
  if (scores.length === 0) return undefined
  return Array.from(
    { length: prior.classes },
    (_, c) => scores.reduce((sum, score) => sum + score[c]!, 0) / scores.length,
  )
}
