/**
 * The self-check of a device. Drivers have bugs, and a wrong result of training looks like bad luck. This is a separate
 * entry point, because it brings float64 versions of the ops with it.
 */
import { UserError } from '../errors.js'
import type { Gpu } from '../gpu/gpu.js'
import { requireGpu } from '../gpu/require-gpu.js'
import { compile } from '../plan/compile.js'
import { problemsOf, steps, type Problem } from './problems.js'
import { fromArray, relativeError } from './reference/nd-array.js'

/** The result for one family of kernels. */
export interface FamilyCheck {
  /** Name of the family, such as `convolution, gradient of weights`. */
  readonly family: string
  /** Largest relative error of its results: the norm of the difference over the norm of the expected result. */
  readonly error: number
  /** Whether the error is only rounding. */
  readonly ok: boolean
}

/** Options of a self-check. */
export interface SelfCheckOptions {
  /** Whether to check one small volume only, within a second or two, and no larger ones. Default false. */
  readonly quick?: boolean
}

/** Rounding causes errors around 1e-7; a bug causes far larger ones. */
const tolerance = 2e-5

const small = [[4, 6, 12]] as const
const all = [...small, [2, 2, 34], [12, 18, 20]] as const

/**
 * Runs every family of kernels that training uses on small problems, and compares the results with float64 on the host.
 *
 * @returns a check for each family, in a fixed order
 * @throws DeviceLostError if the device is lost meanwhile
 */
export async function selfCheck(gpu: Gpu, { quick = false }: SelfCheckOptions = {}): Promise<FamilyCheck[]> {
  requireGpu('selfCheck', gpu)
  const errors = new Map<string, number>()
  for (const extents of quick ? small : all) {
    for (const [family, error] of await errorsOf(gpu, problemsOf(extents)))
      errors.set(family, Math.max(errors.get(family) ?? 0, error))
  }
  return [...errors].map(([family, error]) => ({ family, error, ok: error <= tolerance }))
}

/**
 * Requires a device to pass the quick self-check.
 *
 * @throws UserError naming the device and what it gets wrong
 */
export async function requireSound(gpu: Gpu): Promise<void> {
  requireOk(gpu, await selfCheck(gpu, { quick: true }))
}

/** @throws UserError naming the device and the checks that it fails */
export function requireOk(gpu: Gpu, checks: readonly FamilyCheck[]): void {
  const wrong = checks.filter(({ ok }) => !ok)
  if (wrong.length === 0) return
  const list = wrong.map(({ family, error }) => `${family} (relative error ${error.toExponential(1)})`)
  throw new UserError(
    `${gpu.adapter.name} computes wrongly: ${list.join(', ')}; update its driver, or choose another adapter`,
  )
}

/** One line of text for each family. */
export function formatChecks(checks: readonly FamilyCheck[]): string {
  const width = Math.max(...checks.map(({ family }) => family.length))
  return checks
    .map(
      ({ family, error, ok }) =>
        `${family.padEnd(width)}  ${ok ? 'ok   ' : 'WRONG'}  relative error ${error.toExponential(1)}`,
    )
    .join('\n')
}

/** All problems in one graph, so that it is compiled at once. */
async function errorsOf(gpu: Gpu, problems: readonly Problem[]): Promise<[string, number][]> {
  const results = problems.flatMap((problem) => problem.results)
  const plan = await compile(gpu, {
    outputs: results.map(({ value }) => value),
    effects: problems.flatMap(({ effects = [] }) => effects),
  })
  try {
    await plan.warmUp()
    for (const [value, data] of problems.flatMap(({ feeds }) => feeds)) plan.write(value, data)
    for (let step = 0; step < steps; step++) await plan.run()
    const read = await Promise.all(results.map(({ value }) => plan.read(value)))
    return results.map(({ family, expected }, i) => [
      family,
      relativeError(fromArray(expected.shape, read[i]!), expected),
    ])
  } finally {
    plan.dispose()
  }
}
