/** This many intensities, of evenly spread voxels, represent a scan. */
const sampleSize = 50_000
const bins = 64

/** The range of a scan's intensities, in its own unit. */
export interface IntensityRange {
  /** From the lowest to the 99.9th percentile, which hot voxels do not move. */
  readonly width: number
  /** A voxel above this is not empty; -Infinity if none is. */
  readonly empty: number
}

/**
 * The range of a scan's intensities, and the threshold above which voxels are not empty.
 *
 * Most voxels around a head are empty. Their intensity need not be 0: rescaling moves it, and interpolation and the
 * scanner add noise to it. So the range is cut into 64 bins. If the fullest bin lies in the lowest quarter and holds a
 * tenth of the voxels, it is the empty level, and the threshold is the upper end of the bin above it. A scan without such a
 * bin was cropped to the head.
 *
 * @param scan intensities in any unit, finite, any order
 */
export function intensityRange(scan: Float32Array): IntensityRange {
  const stride = Math.max(1, Math.floor(scan.length / sampleSize))
  const sample = Float32Array.from(
    { length: Math.ceil(scan.length / stride) },
    (_, i) => scan[i * stride]!,
  ).sort()
  const low = sample[0]!
  const width = sample[Math.floor(0.999 * (sample.length - 1))]! - low
  if (!(width > 0)) return { width: 0, empty: low }
  const counts = new Float64Array(bins)
  for (const value of sample) counts[Math.min(bins - 1, Math.floor((bins * (value - low)) / width))]!++
  const most = Math.max(...counts)
  const fullest = counts.indexOf(most)
  if (fullest >= bins / 4 || most < 0.1 * sample.length) return { width, empty: -Infinity }
  return { width, empty: low + ((fullest + 2) / bins) * width }
}

/** Which voxels of a scan are not empty, 1 or 0, in the scan's order. */
export function foregroundOf(
  scan: Float32Array,
  { empty }: IntensityRange = intensityRange(scan),
): Uint8Array {
  const inside = new Uint8Array(scan.length)
  for (let i = 0; i < scan.length; i++) if (scan[i]! > empty) inside[i] = 1
  return inside
}
