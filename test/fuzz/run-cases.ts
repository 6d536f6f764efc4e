import { UserError } from '../../src/errors.js'
import { formats } from './formats.js'
import { Draw } from './mutate.js'

/** What came of the cases of a format. */
export interface Tally {
  readonly cases: number
  readonly accepted: number
  readonly refused: number
  /** The longest that a case computed, in milliseconds. */
  readonly slowest: number
  /** What should not have happened, with the number of the case. */
  readonly failures: readonly string[]
}

/** Longer than any message about a file of a short name has reason to be. */
const longestMessage = 300
/** Cases are a few kilobytes: no reader has reason to compute longer, or to hold more. */
const mostMilliseconds = 2000
const mostBytes = 400e6
const batch = 50
/** Enough to see what is wrong. */
const mostFailures = 20

/**
 * Reads made-up files of a format. Each must be read, or refused with a UserError of one short printable line, soon, in
 * little memory, its bytes left as they are.
 *
 * @param first number of the first case; a case is what its number and the seed make it
 * @param beforeBatch called before every 50th case; the run goes on once it is done
 */
export async function runCases(
  format: string,
  { cases, seed, first = 0 }: { cases: number; seed: number; first?: number },
  beforeBatch: (index: number) => Promise<void> = () => Promise.resolve(),
): Promise<Tally> {
  const { make, read } = formats[format]!
  const tally = { cases, accepted: 0, refused: 0, slowest: 0, failures: [] as string[] }
  const before = Object.getOwnPropertyNames(Object.prototype).join()
  const baseline = process.memoryUsage.rss()
  for (let i = first; i < first + cases && tally.failures.length < mostFailures; i++) {
    if (i % batch === 0) await beforeBatch(i)
    const bytes = make(new Draw(seed * 1_000_003 + i))
    const copy = Uint8Array.from(bytes)
    const start = process.cpuUsage()
    const problems = [outcomeOf(read, bytes, tally)]
    const { user, system } = process.cpuUsage(start)
    const milliseconds = (user + system) / 1000
    tally.slowest = Math.max(tally.slowest, milliseconds)
    if (milliseconds > mostMilliseconds) problems.push(`took ${milliseconds.toFixed(0)} ms`)
    if (Buffer.compare(bytes, copy) !== 0) problems.push('changed its input')
    if (process.memoryUsage.rss() - baseline > mostBytes) problems.push(`took ${mostBytes} bytes of memory`)
    if (Object.getOwnPropertyNames(Object.prototype).join() !== before)
      problems.push('changed Object.prototype')
    for (const problem of problems)
      if (problem) tally.failures.push(`${format} case ${i} of seed ${seed}: ${problem}`)
  }
  return tally
}

function outcomeOf(
  read: (bytes: Uint8Array) => void,
  bytes: Uint8Array,
  tally: { accepted: number; refused: number },
): string | undefined {
  try {
    read(bytes)
    tally.accepted++
    return undefined
  } catch (error) {
    if (!(error instanceof UserError)) return (error as Error).stack ?? String(error)
    tally.refused++
    const { message } = error
    if (message.length > longestMessage) return `a message of ${message.length} characters: ${message}`
    // eslint-disable-next-line no-control-regex
    if (/[\x00-\x1f\x7f-\x9f\u2028-\u202e]/.test(message)) return `a message that does not print: ${message}`
    return undefined
  }
}
