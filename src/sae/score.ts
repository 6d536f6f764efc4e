import { diceScores } from './dice.js'
import { classesOf } from './parts.js'
import type { PriorLayout } from './prior-volume.js'
import { onWholeGrid } from './region.js'

/**
 * Dice per class of a batch's segmentations, averaged over the scans that have a reference; undefined where none has.
 *
 * @param segmentation classes, [N, 1, ...] of the prior's region
 * @param truths classes, of the whole grid
 */
export function batchDice(
  segmentation: Uint32Array,
  truths: readonly (Uint8Array | undefined)[],
  prior: PriorLayout,
): number[] | undefined {
  const { parts, classes: channels } = prior
  const size = segmentation.length / truths.length
  const classes = parts ? classesOf(parts) : channels
  const scores = truths.flatMap((truth, n) => {
    if (!truth) return []
    const labels = Uint8Array.from(segmentation.subarray(n * size, (n + 1) * size))
    return [diceScores(onWholeGrid(labels, prior), truth, classes)]
  })
  if (scores.length === 0) return undefined
  return Array.from(
    { length: classes },
    (_, c) => scores.reduce((sum, score) => sum + score[c]!, 0) / scores.length,
  )
}
