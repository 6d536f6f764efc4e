/** Terms of an epoch's loss: means over its steps of what `TrainingStep` holds. */
export interface EpochTerms {
  /** Mean over voxels, positive. */
  readonly meanSquaredError: number
  /** Divergence of the posterior from the prior, summed over voxels. */
  readonly klLoss: number
  /** Energy of the MRF prior times beta, summed over voxels. */
  readonly mrfLoss: number
}

/**
 * The negative evidence bound of an epoch at its best variance, which is its own mean squared error:
 *
 *   factor N/2 (log mse + 1) + KL + beta * L_mrf.
 *
 * The loss that training minimises takes the variance of the epoch before, rounded to a power of ten (SAE.md, "recon,
 * sigma estimated"), so it jumps up when the power changes, even if reconstruction and segmentation improve. This one
 * can be compared across epochs, and is the same for any variance that an epoch was trained with.
 *
 * @param voxels N
 * @param errorFactor as in `TrainingSettings`
 * @throws RangeError if the mean squared error is not positive
 */
export function profiledLoss(
  { meanSquaredError, klLoss, mrfLoss }: EpochTerms,
  voxels: number,
  errorFactor = 1,
): number {
  if (!(meanSquaredError > 0))
    throw new RangeError(`A mean squared error of ${meanSquaredError}; it must be above 0.`)
  return 0.5 * errorFactor * voxels * (Math.log(meanSquaredError) + 1) + klLoss + mrfLoss
}
