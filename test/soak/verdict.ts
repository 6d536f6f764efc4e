import { median, trendOfSecondHalf, type Sample } from './trend.js'

/** One line of the report. */
export interface Verdict {
  readonly passed: boolean
  readonly line: string
}

/** Passes if a number is what it must be to the last digit at every sample. */
export function constant(name: string, samples: readonly Sample[], expected = samples[0]!.value): Verdict {
  const other = samples.find(({ value }) => value !== expected)
  return {
    passed: other === undefined,
    line:
      other === undefined
        ? `${name}: ${expected} at each of ${samples.length} samples`
        : `${name}: ${expected} expected, ${other.value} after ${other.at}`,
  }
}

/** How a quantity that should not grow is judged and printed. */
export interface GrowthOptions {
  readonly samples: readonly Sample[]
  /** Of a value, for the report. */
  readonly unit: string
  /** What a sample is taken after, for the report: `step`. */
  readonly per: string
  /** Most growth over the second half: of the median if `relative`, else in the unit. */
  readonly limit: number
  readonly relative?: boolean
}

/**
 * Passes unless the slope over the second half is above the limit by more than two standard errors: a short run has few
 * samples, whose noise is not growth.
 */
export function flat(name: string, { samples, unit, per, limit, relative = false }: GrowthOptions): Verdict {
  const { slope, error } = trendOfSecondHalf(samples)
  const middle = median(samples.map(({ value }) => value))
  const span = samples.at(-1)!.at - samples[Math.floor(samples.length / 2)]!.at
  const most = (limit * (relative ? middle : 1)) / span
  const digits = (value: number) => value.toPrecision(3)
  return {
    passed: slope - 2 * error <= most,
    line:
      `${name}: median ${digits(middle)} ${unit}, slope ${digits(slope)} +- ${digits(error)} ${unit} a ${per}, ` +
      `limit ${digits(most)}`,
  }
}
