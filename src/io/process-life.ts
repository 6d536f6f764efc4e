import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

/** Identifies a process on this machine, even if its number is reused. */
export interface ProcessIdentity {
  readonly pid: number
  /** Start time in ticks since the machine booted; empty if the system does not say. */
  readonly birth: string
}

/** This process. */
export const thisProcess: ProcessIdentity = { pid: process.pid, birth: birthOf(process.pid) }

/** This machine's name, in characters that are safe in file names. */
export const thisHost = hostname()
  .replace(/[^A-Za-z0-9-]/g, '_')
  .slice(0, 64)

/** Whether a process on this machine is still running. */
export function isAlive({ pid, birth }: ProcessIdentity): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: the process exists, but belongs to another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return birthOf(pid) === birth
}

function birthOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The program's name is in parentheses and may contain spaces. The state follows it, and the start time 19 fields
    // on.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const isZombie = fields[0] === 'Z' // dead, but not yet reaped by its parent
    return isZombie ? '' : (fields[19] ?? '')
  } catch {
    return ''
  }
}
