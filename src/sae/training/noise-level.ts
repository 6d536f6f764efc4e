import { mean } from '../mean.js'

/**
 * How the weight w of the squared error is determined (docs/equations.md, rows "recon, sigma fixed"
 * and "recon, sigma estimated").
 *
 * - `fixed`: w is alpha.
 * - `estimated`, as published: w is 0.5 over the variance rounded to a power of ten. The variance starts at 1e8 and
 *   becomes, after each epoch, the mean of the epoch's mean squared errors, counting the previous variance as one more
 *   of them from the second epoch on.
 * - `continuous`: w is 0.5 / variance without rounding, the weight that makes the squared error a Gaussian log-likelihood.
 *   After each epoch the variance moves towards the epoch's mean squared error, as an exponential average over about
 *   ten steps.
 */
export type NoiseMode = 'fixed' | 'estimated' | 'continuous'

/** Before the first estimate: so large that the squared error has no effect. */
export const firstVariance = 1e8

/** Largest weight of the squared error. */
const mostWeight = 500

/** What the exponential average keeps of the variance at each step. */
const kept = 0.9

/** What the weight of the squared error depends on. */
interface NoiseSettings {
  readonly sigma: NoiseMode
  /** The weight if sigma is fixed. */
  readonly alpha: number
  /** As in `TrainingSettings`. */
  readonly errorFactor?: number | undefined
}

/** The variance of the reconstruction error, and the weight of the squared error that follows from it. */
export class NoiseLevel {
  constructor(
    private readonly settings: NoiseSettings,
    public variance = firstVariance,
    /** Complete epochs. */
    public epochs = 0,
    /** Mean squared errors of the running epoch's steps so far. */
    public errors: readonly number[] = [],
  ) {}

  /** The weight w of the squared error. */
  get weight(): number {
    const { sigma, alpha, errorFactor = 1 } = this.settings
    if (sigma === 'fixed') return alpha
    const variance = sigma === 'continuous' ? this.variance : 10 ** Math.round(Math.log10(this.variance))
    return errorFactor * Math.min(mostWeight, 0.5 / variance)
  }

  /** sigma, the root of the variance; undefined if it is fixed by alpha. */
  get sigma(): number | undefined {
    return this.settings.sigma === 'fixed' ? undefined : Math.sqrt(this.variance)
  }

  /** The reconstruction loss of a squared error summed over `voxels` voxels. */
  loss(squaredError: number, voxels: number): number {
    const { sigma, errorFactor = 1 } = this.settings
    const weighted = this.weight * squaredError
    return sigma === 'fixed'
      ? weighted
      : weighted + 0.5 * errorFactor * voxels * Math.log(this.variance + 1e-12)
  }

  /** Notes the mean squared error of a step. */
  observe(meanSquaredError: number): void {
    this.errors = [...this.errors, meanSquaredError]
  }

  /** Ends an epoch: the variance for the next one. */
  endEpoch(): void {
    if (this.errors.length > 0) {
      this.variance = this.settings.sigma === 'continuous' ? this.averaged() : this.published()
    }
    this.errors = []
    this.epochs++
  }

  private published(): number {
    return mean(this.epochs > 0 ? [...this.errors, this.variance] : this.errors)
  }

  private averaged(): number {
    if (this.variance >= firstVariance) return mean(this.errors)
    const share = kept ** this.errors.length
    return share * this.variance + (1 - share) * mean(this.errors)
  }
}
