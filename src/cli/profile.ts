import { Option } from 'commander'
import { UserError } from '../errors.js'
import type { Gpu } from '../gpu/gpu.js'
import { formatPlan, mergeSlabs, type DispatchRow } from '../plan/describe.js'
import type { Terminal } from './terminal.js'

/** @param part what is profiled, and when */
export const profileOption = (part: string): Option =>
  new Option('--profile', `print every kernel of ${part}, with its time on the device`)

/** @throws UserError if the device cannot time kernels */
export function requireTimestamps({ device, adapter }: Gpu): void {
  if (!device.features.has('timestamp-query'))
    throw new UserError(`${adapter.name} has no GPU timestamps, which --profile needs`)
}

/** Prints a profile as a table, once: after the first step that ends an epoch. */
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

/** Prints a profile as a table, below the progress bar if there is one. */
export function printProfile(rows: readonly DispatchRow[], terminal: Terminal): void {
  terminal.print(`\n${formatPlan(mergeSlabs(rows))}`)
}
