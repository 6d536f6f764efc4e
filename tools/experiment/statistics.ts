import wilcoxon from '@stdlib/stats-wilcoxon'

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Sample standard deviation; NaN for one value. */
export function deviation(values: readonly number[]): number {
  const centre = mean(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1))
}

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

/** With fewer pairs, p > .05 even if all differences have the same sign. */
const fewestPairs = 6

/**
 * Two-sided p of the Wilcoxon signed-rank test of pairs: exact up to 50 pairs if no differences tie or are 0, else a
 * normal approximation. NaN for fewer than 6 pairs, 1 if all are equal.
 */
export function signedRankP(x: readonly number[], y: readonly number[]): number {
  if (x.length < fewestPairs) return NaN
  if (x.every((value, i) => value === y[i])) return 1
  return wilcoxon([...x], [...y]).pValue
}
