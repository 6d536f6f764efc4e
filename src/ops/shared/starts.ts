import { constant, type Value } from '../../graph/value.js'

/**
 * Where each of K consecutive groups starts, and where the last one ends.
 *
 * @param name of the value
 * @param counts members of each group, [K]
 * @returns u32, flat [K + 1]
 */
export function startsOf(name: string, counts: readonly number[]): Value {
  let end = 0
  const ends = counts.map((count) => (end += count))
  return constant(name, [ends.length + 1], Uint32Array.of(0, ...ends))
}
