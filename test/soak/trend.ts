/** A straight line through samples, by least squares. */
export interface Trend {
  /** Change of a sample per unit of `at`. */
  readonly slope: number
  /** Standard error of the slope; Infinity for fewer than three samples, which say nothing. */
  readonly error: number
}

/** What was measured after a number of steps, segmentations or devices. */
export interface Sample {
  readonly at: number
  readonly value: number
}

/** The trend of the second half of some samples: the first half may warm up. */
export function trendOfSecondHalf(samples: readonly Sample[]): Trend {
  const half = samples.slice(Math.floor(samples.length / 2))
  const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length
  const [at, value] = [mean(half.map((s) => s.at)), mean(half.map((s) => s.value))]
  const spread = half.reduce((sum, s) => sum + (s.at - at) ** 2, 0)
  const slope = half.reduce((sum, s) => sum + (s.at - at) * (s.value - value), 0) / spread
  if (half.length < 3) return { slope, error: Infinity }
  const residuals = half.reduce((sum, s) => sum + (s.value - value - slope * (s.at - at)) ** 2, 0)
  return { slope, error: Math.sqrt(residuals / (half.length - 2) / spread) }
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
