import { splitChannels } from '../channels.js'
import type { Prior } from '../prior/prior.js'
import { classStatistics, gaussianCost, type ClassStatistics } from './class-statistics.js'
import { crossEntropyToPrior } from './cross-entropy.js'
import { intensityRange, type IntensityRange } from './foreground.js'

/**
 * The deviation of every Gaussian is at least this share of the scan's range; otherwise empty voxels, which are all
 * alike, would dominate.
 */
const leastDeviation = 0.05

/**
 * The joint cost of a scan x and its segmentation s, in nats, mean over voxels: -log(p_i(s_i) + 1e-12) of the prior, and
 * -log of the density of x_i in the Gaussian of its class, whose mean and variance are those of the voxels of the class;
 * summed over the channels of the scan.
 *
 * EM looks for the segmentation that minimises it. It distinguishes a good segmentation from a bad one of the same scan
 * by the same prior, without labels. Among the epochs of one run it is a worse guide than `profiledLoss` (docs/assessment.md).
 *
 * @param scan intensities in any unit, [C, D, H, W] of the prior's shape
 * @param classes a class per voxel
 * @throws RangeError if the sizes differ
 */
export function jointCost(prior: Prior, scan: Float32Array, classes: Uint8Array): number {
  const channels = splitChannels(scan, prior.shape)
  const statistics = channels.map((channel) => classStatistics(channel, classes))
  return costOf(prior, classes, statistics, channels.map(intensityRange))
}

/** The same, from statistics of the scan's channels that are already known. */
export function costOf(
  prior: Prior,
  classes: Uint8Array,
  statistics: readonly ClassStatistics[],
  ranges: readonly IntensityRange[],
): number {
  return statistics.reduce(
    (sum, channel, c) => sum + gaussianCost(channel, leastDeviation * ranges[c]!.width),
    crossEntropyToPrior(prior, classes),
  )
}
