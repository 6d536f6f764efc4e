import type { Gpu } from '../../gpu/gpu.js'
import type { Value } from '../../graph/value.js'
import type { Variables } from '../../plan/variables.js'
import type { TrainingScan } from '../../sae/training/batches.js'
import { diagnose, type Course } from '../../sae/training/diagnosis.js'
import { DivergedError } from '../../sae/training/diverged.js'
import { UserError } from '../../errors.js'
import type { Lifeline } from './recovery.js'

/** How a course of learning is started again, to look for the step that went wrong. */
interface Courses<Progress> {
  readonly gpu: Gpu
  readonly begin: (variables: Variables, progress: Progress) => Course<Progress>
  /** The parameters that are learnt. */
  readonly wanted: readonly Value[]
  readonly scans: readonly TrainingScan[]
}

/**
 * Runs `learn`; if it diverges, looks for the first number that is not finite and adds that to the message.
 *
 * @throws UserError in one line: the step, the term of the loss and the op
 */
export async function explained<Progress extends { readonly step: number }, T>(
  learn: () => Promise<T>,
  { gpu, begin, wanted, scans }: Courses<Progress>,
  lifeline: Lifeline<Progress>,
): Promise<T> {
  try {
    return await learn()
  } catch (error) {
    const { state } = lifeline
    if (!(error instanceof DivergedError) || !state) throw error
    const found = await diagnose(gpu, begin, wanted, state, scans, error.step)
    throw new UserError(
      `${error.message}; the first number that is not finite: ${found ?? 'not found again'}`,
      {
        cause: error,
      },
    )
  }
}
