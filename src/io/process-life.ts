import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

/** A process, told apart from all others of its machine, those with the same number before and after it included. */
export interface ProcessIdentity {
  readonly pid: number
  /** In ticks since the machine was started; empty on systems that do not say. */
  readonly birth: string
}

/** This process. */
export const thisProcess: ProcessIdentity = { pid: process.pid, birth: birthOf(process.pid) }

/** This machine's name, in characters that a file name may have. */
export const thisHost = hostname()
  .replace(/[^A-Za-z0-9-]/g, '_')
  .slice(0, 64)

/** Whether a process of this machine still runs. */
export function isAlive({ pid, birth }: ProcessIdentity): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // Somebody else's process may not be signalled, but it is there.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return birthOf(pid) === birth
}

function birthOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name of the program stands in brackets and may hold blanks. After it: the state, and 20th the birth.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const isZombie = fields[0] === 'Z' // killed, but its parent has not asked yet
    return isZombie ? '' : (fields[19] ?? '')
  } catch {
    return ''
  }
}
