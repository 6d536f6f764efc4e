import type { EpochTerms, PretrainingStep, TrainingStep } from 'sae-webgpu'

/** The figures of the running epoch: means over its steps. */
export class EpochFigures {
  private readonly crossEntropies: number[] = []
  private readonly terms: EpochTerms[] = []
  private readonly scores: number[] = []

  /** @param profiled the loss of training that compares across epochs, from the means of its terms (`profiledLoss`) */
  constructor(private readonly profiled: (terms: EpochTerms) => number) {}

  add(step: PretrainingStep | TrainingStep, dice: number | undefined): void {
    if ('crossEntropy' in step) this.crossEntropies.push(step.crossEntropy)
    else this.terms.push(step)
    if (dice !== undefined) this.scores.push(dice)
  }

  get steps(): number {
    return this.crossEntropies.length + this.terms.length
  }

  /** Cross-entropy of pretraining, or the loss of training at the noise level that fits the epoch best. */
  get loss(): number {
    if (this.terms.length === 0) return mean(this.crossEntropies)
    const others = this.terms[0]!.otherChannels ?? []
    return this.profiled({
      meanSquaredError: mean(this.terms.map(({ meanSquaredError }) => meanSquaredError)),
      otherChannels: others.map((_, c) => ({
        meanSquaredError: mean(this.terms.map(({ otherChannels }) => otherChannels![c]!.meanSquaredError)),
      })),
      klLoss: mean(this.terms.map(({ klLoss }) => klLoss)),
      mrfLoss: mean(this.terms.map(({ mrfLoss }) => mrfLoss)),
    })
  }

  get dice(): number | undefined {
    return this.scores.length > 0 ? mean(this.scores) : undefined
  }

  clear(): void {
    for (const list of [this.crossEntropies, this.terms, this.scores]) list.length = 0
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
