/**
 * Scales intensities as networks of brainchop expect them: the value at the lower share of the sorted voxels becomes 0,
 * that at the upper share 1; values beyond are clipped.
 *
 * @param shares 0..1, as those of `numpy.quantile`: MindGrab wants 0.02 and 0.98, other models 0.05 and 0.95, or 0 and 1
 * @returns all 0 if the two are the same value
 */
export function scaledByQuantiles(data: Float32Array, shares: readonly [number, number]): Float32Array {
  const sorted = data.slice().sort()
  const [low, high] = [quantile(sorted, shares[0]), quantile(sorted, shares[1])]
  const span = high > low ? high - low : Infinity
  return data.map((value) => Math.min(Math.max((value - low) / span, 0), 1))
}

/** Linear interpolation between neighbours, as NumPy does by default. */
function quantile(sorted: Float32Array, share: number): number {
  const at = share * (sorted.length - 1)
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!]
  return low + (at - Math.floor(at)) * (high - low)
}
