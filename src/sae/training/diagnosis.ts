import type { Gpu } from '../../gpu/gpu.js'
import type { Value } from '../../graph/value.js'
import { checkFinite, type FiniteCheckOptions } from '../../plan/check-finite.js'
import { Variables, type VariableContents } from '../../plan/variables.js'
import type { Optimiser } from '../../optim/index.js'
import type { TrainingScan } from './batches.js'
import { brokenTensor, DivergedError } from './diverged.js'
import type { RunOptions } from './pipelined-steps.js'

/** A run that can begin at any step: a `Trainer` or a `Pretrainer`. */
export interface Course<Progress> {
  readonly optimiser: Optimiser
  readonly progress: Progress
  train(scans: readonly TrainingScan[], options?: RunOptions): AsyncIterable<{ readonly step: number }>
  nextStep(scans: readonly TrainingScan[]): Promise<FiniteCheckOptions>
  dispose(): void
}

/** A state that a run can resume from: its weights, the optimiser's moments, and its progress. */
export interface CourseState<Progress> {
  readonly tensors: ReadonlyMap<string, VariableContents>
  readonly progress: Progress
}

/**
 * Finds out what made a run diverge: repeats it from its last good state, a step at a time, and checks everything that the
 * first bad step computes.
 *
 * @param begin makes the course again, on variables with its initial contents
 * @param wanted the parameters that are learnt
 * @param lastStep at which the run was found to have diverged
 * @returns one line for the user; undefined if all went well this time
 */
export async function diagnose<Progress>(
  gpu: Gpu,
  begin: (variables: Variables, progress: Progress) => Course<Progress>,
  wanted: readonly Value[],
  state: CourseState<Progress>,
  scans: readonly TrainingScan[],
  lastStep: number,
): Promise<string | undefined> {
  const { good, broken } = await lastGoodState(gpu, begin, wanted, state, scans, lastStep)
  return onCourse(gpu, begin, wanted, good, async (course) => {
    const found = await checkFinite(gpu, await course.nextStep(scans))
    if (found) return found.message
    // All that the optimiser reads is finite, so its update is not.
    return broken && `the update of ${broken} is not finite, though its gradient is`
  })
}

async function lastGoodState<Progress>(
  gpu: Gpu,
  begin: (variables: Variables, progress: Progress) => Course<Progress>,
  wanted: readonly Value[],
  state: CourseState<Progress>,
  scans: readonly TrainingScan[],
  lastStep: number,
): Promise<{ good: CourseState<Progress>; broken: string | undefined }> {
  let good = state
  return onCourse(gpu, begin, wanted, state, async (course, variables) => {
    try {
      for await (const { step } of course.train(scans)) {
        const tensors = await variables.readAll([...wanted, ...course.optimiser.state])
        const broken = brokenTensor(tensors)
        if (broken) return { good, broken }
        if (step >= lastStep) break
        good = { tensors, progress: course.progress }
      }
    } catch (error) {
      if (!(error instanceof DivergedError)) throw error
    }
    return { good, broken: undefined }
  })
}

/** Runs `body` with a course at a state, and releases it. */
async function onCourse<Progress, T>(
  gpu: Gpu,
  begin: (variables: Variables, progress: Progress) => Course<Progress>,
  wanted: readonly Value[],
  { tensors, progress }: CourseState<Progress>,
  body: (course: Course<Progress>, variables: Variables) => Promise<T>,
): Promise<T> {
  const variables = new Variables(gpu)
  const course = begin(variables, progress)
  try {
    for (const value of [...wanted, ...course.optimiser.state]) {
      const tensor = tensors.get(value.name)
      if (tensor) variables.write(value, tensor.data)
    }
    return await body(course, variables)
  } finally {
    course.dispose()
    variables.dispose()
  }
}
