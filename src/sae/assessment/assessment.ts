import { alignmentOf } from './alignment.js'
import { classVolumes } from './class-volumes.js'
import { crossEntropyToPrior } from './cross-entropy.js'
import type { Figures } from './figures.js'
import { foregroundOf } from './foreground.js'
import { classMeansError, meanSquaredError } from './image-error.js'
import { overlapOf, type Overlap } from './overlap.js'
import type { PriorSummary } from './prior-summary.js'
import { judge, type Verdict } from './verdict.js'

/** A segmentation and what it is compared with. Volumes are [D, H, W] of the prior's shape. */
export interface AssessedScan {
  /** Intensities that were segmented. */
  readonly scan: Float32Array
  /** The segmentation, a class per voxel. */
  readonly classes: Uint8Array
  /** Its class probabilities, [K, D, H, W], if known. */
  readonly posterior?: Float32Array | undefined
  /** The decoder's image of it, if there is one. */
  readonly reconstruction?: Float32Array | undefined
  /** The segmentation of the same scan by EM, if known. */
  readonly em?: Uint8Array | undefined
  /** A reference segmentation, if known. It has no say in the verdict. */
  readonly truth?: Uint8Array | undefined
  /** True if the encoder was only taught to answer with the prior, so that its argmax is what is wanted. */
  readonly pretrained?: boolean
}

/** What can be said of a segmentation. */
export interface Assessment extends Figures {
  readonly verdict: Verdict
}

/**
 * Compares a segmentation with its prior and its scan, and judges it.
 *
 * @throws RangeError if a volume has another number of voxels than the prior, or a voxel a class that it lacks
 */
export function assess(summary: PriorSummary, assessed: AssessedScan): Assessment {
  const { scan, classes, posterior, reconstruction, em, truth, pretrained = false } = assessed
  const { prior, argmax, table } = summary
  if (scan.length !== argmax.length) {
    throw new RangeError(`A scan of ${scan.length} voxels for a prior of ${argmax.length}.`)
  }
  const overlap = (a: Uint8Array, b: Uint8Array): Overlap => overlapOf(a, b, table)
  const foreground = foregroundOf(scan)
  const figures: Figures = {
    volumes: classVolumes(classes, summary),
    withPrior: overlap(classes, argmax),
    withEm: em && overlap(classes, em),
    withTruth: truth && overlap(classes, truth),
    priorWithTruth: truth && overlap(argmax, truth),
    emWithTruth: truth && em && overlap(em, truth),
    foreground: foreground.reduce((sum, inside) => sum + inside, 0) / scan.length,
    calledBackground: backgroundShare(classes, foreground),
    priorCalledBackground: backgroundShare(argmax, foreground),
    crossEntropy: crossEntropyToPrior(prior, posterior ?? classes),
    priorEntropy: summary.entropy,
    errors: {
      reconstruction: reconstruction && meanSquaredError(scan, reconstruction),
      classMeans: classMeansError(scan, classes),
      priorClassMeans: classMeansError(scan, argmax),
      emClassMeans: em && classMeansError(scan, em),
    },
    alignment: alignmentOf(scan, prior),
    pretrained,
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
