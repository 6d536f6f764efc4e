/** Intensities of the voxels of each class. Indices are classes, 0 to 255. */
export interface ClassStatistics {
  readonly counts: Float64Array
  /** 0 for a class without voxels. */
  readonly means: Float64Array
  /** Mean squared differences from the mean; 0 for a class without voxels. */
  readonly variances: Float64Array
}

/**
 * Means and variances of the intensities of each class.
 *
 * @param classes a class per voxel, in the scan's order
 * @throws RangeError if the lengths differ
 */
export function classStatistics(scan: Float32Array, classes: Uint8Array): ClassStatistics {
  if (scan.length !== classes.length) {
    throw new RangeError(`A class map of ${classes.length} voxels for a scan of ${scan.length}.`)
  }
  const counts = new Float64Array(256)
  const means = new Float64Array(256)
  for (let i = 0; i < scan.length; i++) {
    counts[classes[i]!]!++
    means[classes[i]!]! += scan[i]!
  }
  counts.forEach((count, c) => (means[c]! /= Math.max(1, count)))
  // A second pass: the difference of two sums of squares would lose digits.
  const variances = new Float64Array(256)
  for (let i = 0; i < scan.length; i++) variances[classes[i]!]! += (scan[i]! - means[classes[i]!]!) ** 2
  counts.forEach((count, c) => (variances[c]! /= Math.max(1, count)))
  return { counts, means, variances }
}

/** Mean squared error of the image that has the mean intensity of its class at each voxel. */
export function classMeansError({ counts, variances }: ClassStatistics): number {
  const voxels = counts.reduce((sum, count) => sum + count, 0)
  return counts.reduce((sum, count, c) => sum + count * variances[c]!, 0) / voxels
}

/**
 * The cost of the intensities given the classes: -log of the density of each class's own Gaussian, in nats, mean over
 * voxels.
 *
 * @param leastDeviation lower bound of every Gaussian's deviation, because empty voxels may all be 0
 */
export function gaussianCost({ counts, variances }: ClassStatistics, leastDeviation: number): number {
  const voxels = counts.reduce((sum, count) => sum + count, 0)
  const cost = counts.reduce((sum, count, c) => {
    if (count === 0) return sum
    const variance = Math.max(variances[c]!, leastDeviation ** 2)
    return sum + 0.5 * count * (Math.log(2 * Math.PI * variance) + variances[c]! / variance)
  }, 0)
  return cost / voxels
}

/** Mean squared difference of two images of one size. @throws RangeError if the lengths differ */
export function meanSquaredError(scan: Float32Array, image: Float32Array): number {
  if (scan.length !== image.length) {
    throw new RangeError(`An image of ${image.length} voxels for a scan of ${scan.length}.`)
  }
  let sum = 0
  for (let i = 0; i < scan.length; i++) sum += (scan[i]! - image[i]!) ** 2
  return sum / scan.length
}
