import { constant, type Value } from '../../graph/value.js'

/**
 * Where each of K consecutive groups starts, and where the last one ends.
 *
 * @param name of the value
 * @param counts members of each group, [K]
 * @returns u32, flat [K + 1]
 */
export function startsOf(name: string, counts: readonly number[]): Value {
  const starts = Uint32Array.of(0, ...counts)
  for (let k = 0; k < counts.length; k++) starts[k + 1]! += starts[k]!
  return constant(name, [starts.length], starts)
}
