import { Option } from 'commander'
import { UserError } from '../../errors.js'
import { readVolumeHeader } from '../../io/files.js'
import { channelFiles } from '../inputs/channel-files.js'
import type { Terminal } from '../terminal.js'

export const keepGoingOption = (): Option =>
  new Option(
    '--keep-going',
    'leave out scans that cannot be used instead of refusing to start; they are listed at the end, and the exit code is 3',
  )

/** The exit code of a command that did some scans, while others failed. */
const someFailed = 3

/** The first of several scans that has a readable header; the first of all if the run needs them all, or none has. */
export async function firstReadable(
  scans: readonly string[],
  keepGoing: boolean | undefined,
): Promise<string> {
  for (const scan of keepGoing ? scans : []) {
    try {
      for (const file of channelFiles(scan)) await readVolumeHeader(file)
      return scan
    } catch (error) {
      if (!(error instanceof UserError)) throw error
    }
  }
  return scans[0]!
}

/** The scans that a run leaves out, and why. */
export class FailedScans {
  private readonly failed: { readonly scan: string; readonly reason: string }[] = []

  private constructor(
    private readonly scans: number,
    private readonly keepGoing: boolean | undefined,
  ) {}

  /**
   * Tries every scan, if the run may go on without some; says at once which fail.
   *
   * @param check throws a UserError if a scan cannot be used
   * @returns the scans that can be used
   * @throws UserError if none can
   */
  static async sift<T extends { readonly scan: string }>(
    jobs: readonly T[],
    keepGoing: boolean | undefined,
    check: (job: T) => Promise<void>,
    terminal: Terminal,
  ): Promise<{ good: readonly T[]; failed: FailedScans }> {
    const failed = new FailedScans(jobs.length, keepGoing)
    if (!keepGoing) return { good: jobs, failed }
    const good: T[] = []
    for (const job of jobs) {
      const checked = async (): Promise<T> => {
        await check(job)
        return job
      }
      if (await failed.attempt(job, checked, terminal)) good.push(job)
    }
    return { good, failed }
  }

  /**
   * Does something with a scan; if it cannot be used and the run may go on without it, says so and leaves it out.
   *
   * @returns undefined if the scan is left out
   * @throws UserError if the scan cannot be used, and the run may not go on, or has no scan left
   */
  async attempt<T>(
    { scan }: { readonly scan: string },
    action: () => Promise<T>,
    terminal: Terminal,
  ): Promise<T | undefined> {
    try {
      return await action()
    } catch (error) {
      if (!(error instanceof UserError) || !this.keepGoing) throw error
      this.leaveOut(scan, error, terminal)
    }
    if (this.failed.length === this.scans) {
      const { reason } = this.failed[0]!
      throw new UserError(
        this.scans === 1 ? reason : `none of ${this.scans} scans can be used; the first: ${reason}`,
      )
    }
    return undefined
  }

  /** Notes that a scan cannot be used, and says so. */
  leaveOut(scan: string, { message }: UserError, terminal: Terminal): void {
    terminal.warn(`left out: ${message}`)
    this.failed.push({ scan, reason: message })
  }

  /** Does something with a scan; if that fails, notes it for `run.json` and fails. */
  async noting<T>({ scan }: { readonly scan: string }, action: () => Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (error) {
      this.failed.push({ scan, reason: error instanceof Error ? error.message : String(error) })
      throw error
    }
  }

  /** For `run.json`. */
  get figures(): Readonly<Record<string, unknown>> {
    return this.failed.length === 0 ? {} : { failed: this.failed }
  }

  /** Lists what failed, if anything did, and sets the exit code. */
  conclude(terminal: Terminal): void {
    if (this.failed.length === 0) return
    const list = this.failed.map(({ scan }) => scan).join(', ')
    terminal.warn(`${this.failed.length} of ${this.scans} scans failed: ${list}`)
    process.exitCode = someFailed
  }
}
