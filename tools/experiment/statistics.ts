export { signedRankP } from '../../src/cli/evaluate/signed-rank.js'
export { deviation } from '../../src/cli/tables/statistics.js'
export { mean } from '../../src/sae/mean.js'

/** Values by key; keys are in order of first appearance. */
export function groupBy<T>(values: readonly T[], key: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const value of values) {
    const group = groups.get(key(value))
    if (group) group.push(value)
    else groups.set(key(value), [value])
  }
  return groups
}
