import { UserError } from '../errors.js'

/** The scaling of a scan's intensities. Values beyond 0 and 1 are clipped. */
export interface Scaling {
  /** The intensity that becomes 0. */
  readonly low: number
  /** The intensity that becomes 1. */
  readonly high: number
}

/**
 * How a network wants the intensities of its scans.
 *
 * - `robust`: scaled by percentiles of the foreground (`robustScaling`), whatever the scan's units.
 * - `unit`: a scan in 0..1 as it is, any other scaled to the range of the reference release's scans (`unitScaling`).
 *   Used for weights of that release, and for files that do not state their scaling.
 */
export type Intensities = 'robust' | 'unit'

/**
 * The 99.5th percentile of the foreground is scaled to this. It is below 1, because the decoder's sigmoid never reaches
 * 1 and should be able to reach the brightest tissue; but not far below, because the decoder has to explain the
 * contrast between tissues.
 */
const robustTop = 0.9

/** That percentile in OASIS_0009, a scan like those of the reference release. */
const releasedTop = 117 / 255

/** If a scan is in 0..1 but its foreground ends below this, it is assumed to be in other units. */
const darkest = 0.2

/**
 * Scales the background to 0 and the 99.5th percentile of the foreground to 0.9. Scans that differ in units, number
 * format or a few outlying voxels get the same intensities.
 *
 * The background is the value that most voxels share, if at least one in twenty does and it lies at the bottom of the
 * intensities, such as the zeros of a skull-stripped scan or -1024. Otherwise it is the 0.5th percentile of all
 * voxels. The foreground is what lies above the background.
 *
 * @param data finite intensities, in any order
 * @returns for a scan without foreground, such as a constant one, one that makes all voxels 0
 * @throws UserError if there are no voxels, or one is not finite
 */
export function robustScaling(data: Float32Array): Scaling {
  return scalingTo(robustTop, rangeOf(data))
}

/**
 * Leaves a scan in 0..1 unchanged; a few outliers are ignored and clipped. A scan beyond 0..1, or so dark that
 * the 99.5th percentile of its foreground is below 0.2, is scaled as by `robustScaling`, but with that percentile at 0.459.
 *
 * @param data finite intensities, in any order
 * @throws UserError if there are no voxels, or one is not finite
 */
export function unitScaling(data: Float32Array): Scaling {
  const range = rangeOf(data)
  const inUnits = range.low >= 0 && range.top >= darkest && range.top <= 1
  return inUnits ? { low: 0, high: 1 } : scalingTo(releasedTop, range)
}

/** The scaling of a scan for a network. */
export function scalingFor(intensities: Intensities, data: Float32Array): Scaling {
  return intensities === 'robust' ? robustScaling(data) : unitScaling(data)
}

/**
 * The intensities scaled and clipped to 0..1, in the order of `data`.
 *
 * @throws Error unless `high` is above `low`
 */
export function applyScaling(data: Float32Array, { low, high }: Scaling): Float32Array {
  if (!(high > low)) throw new Error(`intensities cannot be scaled from ${low} to ${high}`)
  return data.map((value) => Math.min(Math.max((value - low) / (high - low), 0), 1))
}

/** The background and the 99.5th percentile of the foreground, which outliers do not change. */
interface Range {
  readonly low: number
  readonly top: number
}

function scalingTo(target: number, { low, top }: Range): Scaling {
  // A constant intensity may be so large that low + 1 is low again.
  return { low, high: low + (top > low ? (top - low) / target : Math.max(1, Math.abs(low))) }
}

function rangeOf(data: Float32Array): Range {
  const sorted = data.slice().sort()
  // What is not finite is sorted to the ends.
  if (!(Number.isFinite(sorted[0]) && Number.isFinite(sorted.at(-1)))) {
    const at = data.findIndex((value) => !Number.isFinite(value))
    throw new UserError(
      at === -1 ? 'a scan without voxels has no intensities' : `voxel ${at} is ${data[at]!}; replace it`,
    )
  }
  const low = backgroundOf(sorted)
  const first = sorted.findIndex((value) => value > low)
  return { low, top: first === -1 ? low : highOf(sorted.subarray(first)) }
}

function backgroundOf(sorted: Float32Array): number {
  const bottom = lowOf(sorted)
  const { value, count } = mostFrequent(sorted)
  const atBottom = value - bottom <= 0.05 * (highOf(sorted) - value)
  return count >= sorted.length / 20 && atBottom ? value : bottom
}

// Ranks are rounded away from the ends, so that a single outlier does not count in a small scan either.
function lowOf(sorted: Float32Array): number {
  return sorted[Math.ceil(0.005 * (sorted.length - 1))]!
}

function highOf(sorted: Float32Array): number {
  return sorted[Math.floor(0.995 * (sorted.length - 1))]!
}

function mostFrequent(sorted: Float32Array): { value: number; count: number } {
  let most = { value: sorted[0]!, count: 0 }
  for (let start = 0, i = 1; i <= sorted.length; i++) {
    if (i < sorted.length && sorted[i] === sorted[start]) continue
    if (i - start > most.count) most = { value: sorted[start]!, count: i - start }
    start = i
  }
  return most
}
