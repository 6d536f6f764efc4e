const mostRounds = 100

/** A cluster of numbers. */
export interface Cluster {
  /** Share of the numbers. */
  readonly weight: number
  readonly mean: number
  readonly variance: number
}

/**
 * Clusters numbers by k-means (Lloyd's algorithm in one dimension), from clusters of equal size on.
 *
 * @param values finite, at least one
 * @returns the clusters, from the least mean on; a cluster that lost all numbers has no weight
 */
export function clusters(values: Float32Array, k: number): Cluster[] {
  const sorted = values.slice().sort()
  let ends = Array.from({ length: k + 1 }, (_, c) => Math.round((c * sorted.length) / k))
  let found = momentsBetween(sorted, ends)
  for (let round = 0; round < mostRounds; round++) {
    const means = found.map(({ mean }) => mean)
    const limits = means.slice(1).map((mean, c) => (means[c]! + mean) / 2)
    const next = [0, ...limits.map((limit) => lowerBound(sorted, limit)), sorted.length]
    if (next.every((end, c) => end === ends[c])) break
    ends = next
    found = momentsBetween(sorted, ends)
  }
  return found
}

function momentsBetween(sorted: Float32Array, ends: readonly number[]): Cluster[] {
  return ends.slice(1).map((end, c) => {
    const own = sorted.subarray(ends[c], end)
    const count = Math.max(own.length, 1)
    const mean =
      own.length > 0
        ? own.reduce((sum, value) => sum + value, 0) / count
        : sorted[Math.min(end, sorted.length - 1)]!
    const variance = own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count
    return { weight: own.length / sorted.length, mean, variance }
  })
}

/** How many of the sorted numbers are below a limit. */
function lowerBound(sorted: Float32Array, limit: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < limit) low = middle + 1
    else high = middle
  }
  return low
}
