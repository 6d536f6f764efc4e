import { classVoxels, type PriorSummary } from './prior-summary.js'

/** Size of a class in a segmentation, and what the prior expects. */
export interface ClassVolume {
  /** Voxels in the segmentation. */
  readonly voxels: number
  /** Voxels in the prior's argmax. */
  readonly priorVoxels: number
  /** Probability mass of the prior, in voxels. */
  readonly expectedVoxels: number
  /** `voxels / expectedVoxels`; undefined if the prior expects none. */
  readonly ratio: number | undefined
  /** The segmentation has none, and the prior expects less than one voxel. */
  readonly absent: boolean
  /** The prior expects at least 10 voxels of it, so it cannot be lost by chance. */
  readonly expected: boolean
  /** Expected, but the segmentation has less than a tenth of the prior's mass. */
  readonly vanished: boolean
  /** Expected, and less than a tenth of the prior's mass is in its own argmax. */
  readonly priorVanished: boolean
  /**
   * The segmentation has more than three times what the prior expects, and the surplus is more than a tenth of what the
   * prior expects for all classes except the background. Sizes of real structures differ less: ventricles of healthy
   * people by a factor of ten, which is a few hundredths of the brain.
   */
  readonly flooded: boolean
}

/** Sizes of all classes, in the order of the table. Class 0 is not a structure: it neither vanishes nor floods. */
export function classVolumes(classes: Uint8Array, summary: PriorSummary): ClassVolume[] {
  const { expectedVoxels, argmaxVoxels } = summary
  const counts = classVoxels(classes, expectedVoxels.length)
  const anatomy = expectedVoxels.slice(1).reduce((sum, mass) => sum + mass, 0)
  return counts.map((voxels, c) => {
    const mass = expectedVoxels[c]!
    const priorVoxels = argmaxVoxels[c]!
    const expected = c > 0 && mass >= 10
    return {
      voxels,
      priorVoxels,
      expectedVoxels: mass,
      ratio: mass > 0 ? voxels / mass : undefined,
      absent: voxels === 0 && mass < 1,
      expected,
      vanished: expected && voxels < 0.1 * mass,
      priorVanished: expected && priorVoxels < 0.1 * mass,
      flooded: c > 0 && voxels > 3 * mass && voxels - mass > 0.1 * anatomy,
    }
  })
}
