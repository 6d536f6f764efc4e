import type { ChannelError } from './trainer.js'

/** Terms of an epoch's loss: means over its steps of what `TrainingStep` holds. */
export interface EpochTerms {
  /** Of the first channel: mean over voxels, positive. */
  readonly meanSquaredError: number
  /** Of further channels, if scans have several. */
  readonly otherChannels?: readonly Pick<ChannelError, 'meanSquaredError'>[]
  /** Divergence of the posterior from the prior, summed over voxels. */
  readonly klLoss: number
  /** Energy of the MRF prior times beta, summed over voxels. */
  readonly mrfLoss: number
}

/**
 * The negative evidence bound of an epoch at its best variance, which is its own mean squared error:
 *
 *   factor N/2 sum_c (log mse_c + 1) + KL + beta * L_mrf, c the channels.
 *
 * The loss that training minimises takes the variance of the epoch before, rounded to a power of ten (docs/equations.md, "recon,
 * sigma estimated"), so it jumps up when the power changes, even if reconstruction and segmentation improve. This one
 * can be compared across epochs, and is the same for any variance that an epoch was trained with.
 *
 * @param voxels N
 * @param errorFactor as in `TrainingSettings`
 * @throws RangeError if the mean squared error is not positive
 */
export function profiledLoss(
  { meanSquaredError, otherChannels = [], klLoss, mrfLoss }: EpochTerms,
  voxels: number,
  errorFactor = 1,
): number {
  const bounds = [{ meanSquaredError }, ...otherChannels].map(({ meanSquaredError: error }) => {
    if (!(error > 0)) throw new RangeError(`A mean squared error of ${error}; it must be above 0.`)
    return 0.5 * errorFactor * voxels * (Math.log(error) + 1)
  })
  return bounds.reduce((sum, bound) => sum + bound, 0) + klLoss + mrfLoss
}
