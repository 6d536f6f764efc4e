import { presentScores } from '../metrics/dice.js'
import { foregroundClasses, type LabelTable } from '../labels/label-table.js'
import { meanOfKnown } from '../mean.js'

/** Dice scores of two class maps; undefined for a class that neither has. */
export interface Overlap {
  /** In the order of the table. */
  readonly perClass: readonly (number | undefined)[]
  /** Over the classes that count (not the background, not the rest) and are in either map; undefined if none is. */
  readonly mean: number | undefined
}

/**
 * Dice scores (`diceScores`) of two class maps, absent classes left out.
 *
 * @throws RangeError if the lengths differ
 */
export function overlapOf(a: Uint8Array, b: Uint8Array, table: LabelTable): Overlap {
  const perClass = presentScores(a, b, table.classes.length)
  return { perClass, mean: meanOfKnown(foregroundClasses(table).map((c) => perClass[c])) }
}
