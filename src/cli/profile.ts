import { Option } from 'commander'
import { UserError } from '../errors.js'
import type { Gpu } from '../gpu/gpu.js'
import { formatPlan, mergeSlabs, type DispatchRow } from '../plan/describe.js'
import type { Terminal } from './terminal.js'

/** @param part what is profiled, and when */
export const profileOption = (part: string): Option =>
  new Option('--profile', `print the kernels of ${part}, with the time of each on the device`)

/** @throws UserError if the device cannot time kernels */
export function requireTimestamps({ device, adapter }: Gpu): void {
  if (!device.features.has('timestamp-query'))
    throw new UserError(`${adapter.name} has no timestamps, which --profile needs`)
}

/** Prints a profile as a table, once: when it is first called for a step that is the last of its epoch. */
export function profileOnce(
  learner: { profile(): Promise<DispatchRow[]> },
  terminal: Terminal,
): (step: { readonly lastOfEpoch: boolean }) => Promise<void> {
  let done = false
  return async ({ lastOfEpoch }) => {
    if (done || !lastOfEpoch) return
    done = true
    printProfile(await learner.profile(), terminal)
  }
}

/** Prints a profile as a table, on lines of its own below a progress bar. */
export function printProfile(rows: readonly DispatchRow[], terminal: Terminal): void {
  terminal.print(`\n${formatPlan(mergeSlabs(rows))}`)
}
