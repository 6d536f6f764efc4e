/** Mean squared difference of two images of one size. @throws RangeError if the lengths differ */
export function meanSquaredError(scan: Float32Array, image: Float32Array): number {
  if (scan.length !== image.length) {
    throw new RangeError(`An image of ${image.length} voxels for a scan of ${scan.length}.`)
  }
  let sum = 0
  for (let i = 0; i < scan.length; i++) sum += (scan[i]! - image[i]!) ** 2
  return sum / scan.length
}

/**
 * Mean squared error of the best image that is constant in each class: every voxel has the mean intensity of its class.
 *
 * @param classes a class per voxel, in the scan's order
 * @throws RangeError if the lengths differ
 */
export function classMeansError(scan: Float32Array, classes: Uint8Array): number {
  if (scan.length !== classes.length) {
    throw new RangeError(`A class map of ${classes.length} voxels for a scan of ${scan.length}.`)
  }
  const counts = new Float64Array(256)
  const sums = new Float64Array(256)
  for (let i = 0; i < scan.length; i++) {
    counts[classes[i]!]!++
    sums[classes[i]!]! += scan[i]!
  }
  const means = sums.map((sum, c) => (counts[c] === 0 ? 0 : sum / counts[c]!))
  // A second pass: the difference of two sums of squares would lose digits.
  let error = 0
  for (let i = 0; i < scan.length; i++) error += (scan[i]! - means[classes[i]!]!) ** 2
  return error / scan.length
}
