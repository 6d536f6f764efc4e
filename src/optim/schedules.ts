/** A learning rate, or one for every step, counted from 1. */
export type LearningRate = number | ((step: number) => number)

/** The learning rate of a step, counted from 1. */
export function learningRateAt(learningRate: LearningRate, step: number): number {
  return typeof learningRate === 'number' ? learningRate : learningRate(step)
}

/** Options of `stepDecay`. */
export interface StepDecayOptions {
  /** Learning rate of the first step. */
  readonly learningRate: number
  /** Steps between two decays, at least 1. */
  readonly every: number
  /** Factor of each decay. Default 0.1. */
  readonly factor?: number
}

/** A learning rate that is multiplied by a factor every `every` steps, as torch.optim.lr_scheduler.StepLR. */
export function stepDecay({ learningRate, every, factor = 0.1 }: StepDecayOptions): (step: number) => number {
  requireSteps('stepDecay', every)
  return (step) => learningRate * factor ** Math.floor((step - 1) / every)
}

/** Options of `cosineDecay`. */
export interface CosineDecayOptions {
  /** Learning rate of the first step. */
  readonly learningRate: number
  /** Steps from the first learning rate to the last, at least 1. */
  readonly steps: number
  /** The learning rate from then on. Default 0. */
  readonly minimum?: number
}

/**
 * A learning rate that follows half a cosine period down to its minimum and stays there, as
 * torch.optim.lr_scheduler.CosineAnnealingLR up to `T_max` (Loshchilov and Hutter 2017, without restarts).
 */
export function cosineDecay({
  learningRate,
  steps,
  minimum = 0,
}: CosineDecayOptions): (step: number) => number {
  requireSteps('cosineDecay', steps)
  return (step) => {
    const done = Math.min(1, (step - 1) / steps)
    return minimum + ((learningRate - minimum) * (1 + Math.cos(Math.PI * done))) / 2
  }
}

/**
 * Linear warm-up: for the first `steps` steps, step i has i / steps of the schedule's learning rate.
 */
export function warmUp(schedule: LearningRate, steps: number): (step: number) => number {
  requireSteps('warmUp', steps)
  return (step) => Math.min(1, step / steps) * learningRateAt(schedule, step)
}

function requireSteps(name: string, steps: number): void {
  if (!(Number.isInteger(steps) && steps >= 1))
    throw new Error(`${name}: steps must be a whole number of at least 1, not ${steps}`)
}
