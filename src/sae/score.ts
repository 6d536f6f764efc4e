import { diceScores } from './dice.js'
import { classesOf, mergedLabels } from './parts.js'
import type { Prior } from './prior-volume.js'

/**
 * Dice per class of a batch's segmentations, averaged over the scans that have a reference; undefined where none has.
 *
 * @param segmentation channels of the prior, [N, 1, D, H, W]
 * @param truths classes
 */
export function batchDice(
  segmentation: Uint32Array,
  truths: readonly (Uint8Array | undefined)[],
  { parts, classes: channels }: Pick<Prior, 'parts' | 'classes'>,
): number[] | undefined {
  const size = segmentation.length / truths.length
  const classes = parts ? classesOf(parts) : channels
  const scores = truths.flatMap((truth, n) => {
    if (!truth) return []
    const labels = Uint8Array.from(segmentation.subarray(n * size, (n + 1) * size))
    return [diceScores(parts ? mergedLabels(labels, parts) : labels, truth, classes)]
  })
  if (scores.length === 0) return undefined
  return Array.from(
    { length: classes },
    (_, c) => scores.reduce((sum, score) => sum + score[c]!, 0) / scores.length,
  )
}
