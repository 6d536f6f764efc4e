import type { DispatchRow } from './describe.js'
import type { Plan } from './plan.js'

/**
 * The dispatches of a plan, timed on the device; loads what describes them.
 *
 * @throws Error if the device has no timestamps, or an input was never written
 */
export async function profiled(plan: Plan): Promise<DispatchRow[]> {
  const { describe } = await import('./describe.js')
  return describe(plan, await plan.profile())
}
