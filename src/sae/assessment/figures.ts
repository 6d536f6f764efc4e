import type { Alignment } from './alignment.js'
import type { ClassVolume } from './class-volumes.js'
import type { Overlap } from './overlap.js'

/** Mean squared errors of images of the scan, over all voxels and channels, in squared units of intensity. */
export interface ImageErrors {
  /** Of the decoder's reconstruction. */
  readonly reconstruction: number | undefined
  /** Of the image that has the mean intensity of its class at each voxel. */
  readonly classMeans: number
  /** The same with the classes of the prior's argmax. */
  readonly priorClassMeans: number
  /** The same with EM's classes, over the voxels that EM segmented. */
  readonly emClassMeans: number | undefined
}

/** `jointCost` with the scan. A segmentation that costs more than the prior's argmax has learnt nothing from the scan. */
export interface JointCost {
  /** Of the segmentation assessed. */
  readonly segmentation: number
  /** Of the prior's argmax. */
  readonly priorArgmax: number
  /** Of EM's segmentation, over its voxels. */
  readonly em: number | undefined
}

/** Measurements of a segmentation, mostly without a reference. */
export interface Figures {
  /** Sizes, in the order of the table, background and rest included. */
  readonly volumes: readonly ClassVolume[]
  /** Dice with the prior's argmax. */
  readonly withPrior: Overlap
  /** Dice with EM, over the voxels that EM segmented. */
  readonly withEm: Overlap | undefined
  /** Dice with the reference. */
  readonly withTruth: Overlap | undefined
  /** Dice of the prior's argmax with the reference: the number to beat. */
  readonly priorWithTruth: Overlap | undefined
  /** Dice of EM with the reference, over the same voxels. */
  readonly emWithTruth: Overlap | undefined
  /** Share of the scan's voxels that are not empty (`foregroundOf`). */
  readonly foreground: number
  /** Share of those that the segmentation calls background. */
  readonly calledBackground: number
  /** Share of those that the prior's argmax calls background. */
  readonly priorCalledBackground: number
  /** `crossEntropyToPrior` of the posterior, or of the segmentation if no posterior is given. */
  readonly crossEntropy: number
  /** Entropy of the prior, which is its cross-entropy to itself. */
  readonly priorEntropy: number
  /** How well the scan is described. */
  readonly errors: ImageErrors
  /** The joint cost of scan and segmentation. */
  readonly cost: JointCost
  /** How well the positions of prior and scan match. */
  readonly alignment: Alignment
  /** As in `AssessedScan`. */
  readonly imitatesPrior: boolean
}
