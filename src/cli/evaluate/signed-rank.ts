import wilcoxon from '@stdlib/stats-wilcoxon'

/** With fewer pairs even differences of one sign have p > .05. */
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
