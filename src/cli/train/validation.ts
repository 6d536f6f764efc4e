import { UserError } from '../../errors.js'
import type { TrainingStep } from '../../sae/training/trainer.js'
import type { Validator } from '../../sae/training/validator.js'
import { identityOf } from '../cohort/folder-volumes.js'

/** A step of training, with the score of its weights on the validation scans if they were tried. */
export type ValidatedStep = TrainingStep & {
  /** `Validator.score` after the step. */
  readonly validation?: number
}

/**
 * Scores the weights on the validation scans at the end of every `epochs`-th epoch. Within an epoch the device is a step
 * ahead of what is yielded, so only there are the weights those after the step.
 *
 * @param validator undefined to pass the steps on as they are
 */
export async function* validated(
  steps: AsyncIterable<TrainingStep>,
  validator: Validator | undefined,
  epochs: number,
): AsyncGenerator<ValidatedStep> {
  for await (const step of steps) {
    const isDue = step.lastOfEpoch && step.epoch % epochs === 0
    yield validator && isDue ? { ...step, validation: await validator.score() } : step
  }
}

/** @throws UserError for a validation scan that is learnt from */
export function requireHeldOut(validation: readonly string[], training: readonly string[]): void {
  const learnt = new Set(training.map(identityOf))
  const both = validation.find((path) => learnt.has(identityOf(path)))
  if (both !== undefined)
    throw new UserError(`${both}: is a training scan and in --validate; give it in one place`)
}
