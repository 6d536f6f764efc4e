/** So many intensities, of voxels evenly spread, stand for a scan. */
const sampleSize = 50_000
const bins = 64

/**
 * The intensity above which a voxel of a scan is not empty.
 *
 * Most voxels around a head are empty. Their intensity need not be 0: rescaling moves it, and interpolation and the
 * scanner leave noise about it. So the range up to the 99.9th percentile, which hot voxels do not move, is cut into 64
 * bins. Where the fullest bin lies in the lowest quarter and holds a tenth of the voxels, it is the empty level, and the
 * threshold is the upper end of the bin above it. A scan without such a bin was cropped to the head.
 *
 * @param scan intensities in any unit, finite, any order
 * @returns the threshold; -Infinity if no voxel is empty
 */
export function emptyBelow(scan: Float32Array): number {
  const stride = Math.max(1, Math.floor(scan.length / sampleSize))
  const sample = Float32Array.from(
    { length: Math.ceil(scan.length / stride) },
    (_, i) => scan[i * stride]!,
  ).sort()
  const low = sample[0]!
  const range = sample[Math.floor(0.999 * (sample.length - 1))]! - low
  if (!(range > 0)) return low
  const counts = new Float64Array(bins)
  for (const value of sample) counts[Math.min(bins - 1, Math.floor((bins * (value - low)) / range))]!++
  const most = Math.max(...counts)
  const fullest = counts.indexOf(most)
  if (fullest >= bins / 4 || most < 0.1 * sample.length) return -Infinity
  return low + ((fullest + 2) / bins) * range
}

/** Which voxels of a scan are not empty, 1 or 0, in the scan's order. */
export function foregroundOf(scan: Float32Array): Uint8Array {
  const threshold = emptyBelow(scan)
  const inside = new Uint8Array(scan.length)
  for (let i = 0; i < scan.length; i++) if (scan[i]! > threshold) inside[i] = 1
  return inside
}
