/**
 * The variance of the reconstruction error (SAE.md, rows "recon, sigma fixed" and "recon, sigma estimated").
 *
 * Fixed: the squared error has weight alpha. Estimated: the variance starts at 1e8 and becomes, after each epoch, the
 * mean of the epoch's mean squared errors, the previous variance counted as one more of them from the second epoch on.
 */
export class NoiseLevel {
  constructor(
    readonly mode: 'fixed' | 'estimated',
    readonly alpha: number,
    public variance = 1e8,
    public epochs = 0,
    /** Mean squared errors of the running epoch's steps so far. */
    public errors: readonly number[] = [],
  ) {}

  /** The weight w of the squared error. */
  get weight(): number {
    if (this.mode === 'fixed') return this.alpha
    return Math.min(500, 0.5 / 10 ** Math.round(Math.log10(this.variance)))
  }

  /** sigma, the root of the variance; undefined where it is fixed by alpha. */
  get sigma(): number | undefined {
    return this.mode === 'fixed' ? undefined : Math.sqrt(this.variance)
  }

  /** The reconstruction loss of a squared error summed over `voxels` voxels. */
  loss(squaredError: number, voxels: number): number {
    const weighted = this.weight * squaredError
    return this.mode === 'fixed' ? weighted : weighted + 0.5 * voxels * Math.log(this.variance + 1e-12)
  }

  /** Notes the mean squared error of a step. */
  observe(meanSquaredError: number): void {
    this.errors = [...this.errors, meanSquaredError]
  }

  /** Ends an epoch: the variance for the next one. */
  endEpoch(): void {
    const entries = this.epochs > 0 ? [...this.errors, this.variance] : this.errors
    if (entries.length > 0) this.variance = entries.reduce((sum, error) => sum + error, 0) / entries.length
    this.errors = []
    this.epochs++
  }
}
