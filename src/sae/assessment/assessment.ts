import { alignmentOf } from './alignment.js'
import { splitChannels } from '../channels.js'
import {
  classMeansError,
  classStatistics,
  meanSquaredError,
  type ClassStatistics,
} from './class-statistics.js'
import { classVolumes } from './class-volumes.js'
import { crossEntropyToPrior } from './cross-entropy.js'
import type { Figures } from './figures.js'
import { foregroundOf, intensityRange } from './foreground.js'
import { costOf } from './joint-cost.js'
import { overlapOf, type Overlap } from './overlap.js'
import type { PriorSummary } from './prior-summary.js'
import { everyNth } from './sampling.js'
import { judge, type Verdict } from './verdict.js'
import { mean } from '../mean.js'

/** A segmentation by EM, possibly of fewer voxels, to save time. */
export interface EmSegmentation {
  /** A class for every `every`-th voxel along each axis. */
  readonly classes: Uint8Array
  /** 1 for all voxels. */
  readonly every: number
}

/** A segmentation and the data to compare it with. Volumes are [D, H, W] of the prior's shape, images [C, D, H, W]. */
export interface AssessedScan {
  /** Intensities that were segmented, of C channels. */
  readonly scan: Float32Array
  /** The segmentation, a class per voxel. */
  readonly classes: Uint8Array
  /** Its class probabilities, [K, D, H, W], if known. */
  readonly posterior?: Float32Array | undefined
  /** The decoder's image of it, if there is one. */
  readonly reconstruction?: Float32Array | undefined
  /** The segmentation of the same scan by EM, if known. */
  readonly em?: EmSegmentation | undefined
  /** A reference segmentation, if known. It does not affect the verdict. */
  readonly truth?: Uint8Array | undefined
  /** True if the network was only trained to predict the prior, so that the prior's argmax is the expected result. */
  readonly imitatesPrior?: boolean
}

/** The assessment of a segmentation. */
export interface Assessment extends Figures {
  /** What to think of it. */
  readonly verdict: Verdict
}

/**
 * Compares a segmentation with its prior and its scan, and judges it.
 *
 * @throws RangeError if a volume has another number of voxels than the prior, or a voxel a class that it lacks
 */
export function assess(summary: PriorSummary, assessed: AssessedScan): Assessment {
  const { scan, classes, posterior, reconstruction, em, truth, imitatesPrior = false } = assessed
  const { prior, argmax, table } = summary
  if (scan.length === 0 || scan.length % argmax.length !== 0) {
    throw new RangeError(`A scan of ${scan.length} voxels for a prior of ${argmax.length}.`)
  }
  const channels = splitChannels(scan, prior.shape)
  const overlap = (a: Uint8Array, b: Uint8Array): Overlap => overlapOf(a, b, table)
  const atEm = <T extends Float32Array | Uint8Array>(volume: T): T =>
    everyNth(volume, prior.shape, em?.every ?? 1)
  const ranges = channels.map(intensityRange)
  // All channels show one head, so the first one says where it is.
  const foreground = foregroundOf(channels[0]!, ranges[0])
  const statisticsOf = (classes: Uint8Array): ClassStatistics[] =>
    channels.map((channel) => classStatistics(channel, classes))
  const own = statisticsOf(classes)
  const byPrior = statisticsOf(argmax)
  const byEm = em && channels.map((channel) => classStatistics(atEm(channel), em.classes))
  const figures: Figures = {
    volumes: classVolumes(classes, summary),
    withPrior: overlap(classes, argmax),
    withEm: em && overlap(atEm(classes), em.classes),
    withTruth: truth && overlap(classes, truth),
    priorWithTruth: truth && overlap(argmax, truth),
    emWithTruth: truth && em && overlap(em.classes, atEm(truth)),
    foreground: foreground.reduce((sum, inside) => sum + inside, 0) / argmax.length,
    calledBackground: backgroundShare(classes, foreground),
    priorCalledBackground: backgroundShare(argmax, foreground),
    crossEntropy: crossEntropyToPrior(prior, posterior ?? classes),
    priorEntropy: summary.entropy,
    errors: {
      reconstruction: reconstruction && meanSquaredError(scan, reconstruction),
      classMeans: mean(own.map(classMeansError)),
      priorClassMeans: mean(byPrior.map(classMeansError)),
      emClassMeans: byEm && mean(byEm.map(classMeansError)),
    },
    cost: {
      segmentation: costOf(prior, classes, own, ranges),
      priorArgmax: costOf(prior, argmax, byPrior, ranges),
      em: em && costOf({ ...prior, data: atEm(prior.data) }, em.classes, byEm!, ranges),
    },
    alignment: alignmentOf(channels[0]!, prior),
    imitatesPrior,
  }
  return { ...figures, verdict: judge(figures, table) }
}

/** Share of the foreground that a segmentation calls background; 0 if there is no foreground. */
function backgroundShare(classes: Uint8Array, foreground: Uint8Array): number {
  let [inside, lost] = [0, 0]
  for (let i = 0; i < classes.length; i++) {
    if (foreground[i] === 0) continue
    inside++
    if (classes[i] === 0) lost++
  }
  return inside === 0 ? 0 : lost / inside
}
