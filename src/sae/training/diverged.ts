import { UserError } from '../../errors.js'
import type { VariableContents } from '../../plan/variables.js'

/** Numbers of a run are no longer finite, so it cannot continue. */
export class DivergedError extends UserError {
  constructor(
    message: string,
    /** The step at which it was noticed, counted from 1. */
    readonly step: number,
  ) {
    super(message)
  }
}

const advice = 'try a smaller learning rate, or clip the gradients'

/** @throws DivergedError naming the first term of the loss that is not finite, and the step */
export function requireFiniteTerms(
  what: string,
  step: number,
  terms: Readonly<Record<string, number>>,
): void {
  const broken = Object.entries(terms).find(([, value]) => !Number.isFinite(value))
  if (broken)
    throw new DivergedError(`${what} diverged at step ${step}: ${broken[0]} is ${broken[1]}; ${advice}`, step)
}

/**
 * Requires weights and the state of an optimiser to be finite: a ReLU may hide from the loss that they are not.
 *
 * @param step after which they were read
 * @throws DivergedError naming the first that is not
 */
export function requireFiniteTensors(
  what: string,
  step: number,
  tensors: ReadonlyMap<string, VariableContents>,
): void {
  const broken = brokenTensor(tensors)
  if (broken)
    throw new DivergedError(`${what} diverged by step ${step}: ${broken} is not finite; ${advice}`, step)
}

/** The name of the first tensor with a NaN or an infinity; undefined if there is none. */
export function brokenTensor(tensors: ReadonlyMap<string, VariableContents>): string | undefined {
  return [...tensors].find(([, { data }]) => !data.every(Number.isFinite))?.[0]
}
