import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Reply } from './child.js'
import { compareResults, tolerance } from './compare.js'
import { trusted, type Peer } from './list.js'
import { PeerProcess } from './peer-process.js'
import { writeTensors, type Tensor, type Work } from './work.js'

/** The outcome of one piece of work by one peer: a time, or a remark on why there is none. */
export interface Outcome extends Omit<Reply, 'error'> {
  readonly peer: Peer
  readonly remark: string
}

/** A peer that has done the work once and written its results to a folder. */
interface Candidate {
  readonly peer: Peer
  readonly process: PeerProcess
  readonly folder: string
}

/**
 * Lets peers do one piece of work. Each is timed only after its results were compared. The times are taken directly after
 * each other, ours first and again last.
 *
 * @param limit most seconds that a peer may take in all
 */
export async function compete(work: Work, peers: readonly Peer[], limit: number): Promise<Outcome[]> {
  const temporary = mkdtempSync(join(tmpdir(), 'bench-peers-'))
  // Also on an interrupt: the folder may hold a gigabyte.
  const clean = () => {
    rmSync(temporary, { recursive: true, force: true })
  }
  process.once('exit', clean)
  let session: Session | undefined
  try {
    session = new Session(work, writeTensors(work, temporary), temporary, limit)
    await session.run(peers)
    return peers.flatMap((peer) => session!.outcomes.get(peer) ?? [])
  } finally {
    await session?.stop()
    clean()
    process.removeListener('exit', clean)
  }
}

class Session {
  readonly outcomes = new Map<Peer, Outcome>()
  private readonly alive = new Set<PeerProcess>()
  private referee: Candidate | undefined

  constructor(
    private readonly work: Work,
    private readonly tensors: Readonly<Record<string, Tensor>>,
    private readonly temporary: string,
    private readonly limit: number,
  ) {}

  async run(peers: readonly Peer[]): Promise<void> {
    const named = (name: string) => peers.find((peer) => peer.name === name)
    const [first, last] = [named('ours'), named(trusted)]
    // These two processes sleep while others are timed.
    const reference = last && (await this.enter(last))
    const ours = first && (await this.enter(first))
    this.referee = reference ?? ours
    if (ours) await this.finish(ours)
    for (const peer of peers) {
      if (peer === first || peer === last) continue
      const candidate = await this.enter(peer)
      if (!candidate) continue
      await this.finish(candidate)
      await this.end(candidate.process)
    }
    if (reference) await this.finish(reference)
    if (ours) await this.timeAgain(ours)
  }

  async stop(): Promise<void> {
    for (const process of this.alive) await this.end(process)
  }

  /** Starts a peer and has it do the work once. */
  private async enter(peer: Peer): Promise<Candidate | undefined> {
    if (!peer.command) {
      this.outcomes.set(peer, { peer, remark: 'not installed' })
      return undefined
    }
    const folder = join(this.temporary, peer.name)
    mkdirSync(folder)
    const candidate = { peer, folder, process: new PeerProcess(peer.command, this.limit, peer.environment) }
    this.alive.add(candidate.process)
    const { name, extents } = this.work
    const job = { peer: peer.name, work: name, extents, tensors: this.tensors, out: folder }
    return this.attempt(candidate, async () => {
      await candidate.process.ask({ check: job })
      return candidate
    })
  }

  /** Compares a peer's results, and times it if they are right. */
  private async finish(candidate: Candidate): Promise<void> {
    const { peer, folder, process } = candidate
    await this.attempt(candidate, async () => {
      let remark = candidate === this.referee ? 'trusted' : 'unchecked'
      if (this.referee && candidate !== this.referee) {
        const error = compareResults(folder, this.referee.folder)
        if (error > tolerance) throw new Error(`wrong: relative error ${error.toPrecision(2)}`)
        remark = error === 0 ? 'equal' : `relative error ${error.toExponential(0)}`
      }
      this.outcomes.set(peer, { peer, ...(await process.ask({ time: true })), remark })
    })
  }

  /** Times a peer again and averages the two times, because the machine's speed may drift meanwhile. */
  private async timeAgain({ peer, process }: Candidate): Promise<void> {
    const before = this.outcomes.get(peer)
    if (before?.milliseconds === undefined) return
    // If this fails or exceeds the limit, the first time stands.
    const again = await process.ask({ time: true }).catch(() => undefined)
    const { milliseconds = before.milliseconds, bestMilliseconds = Infinity } = again ?? {}
    this.outcomes.set(peer, {
      ...before,
      milliseconds: (before.milliseconds + milliseconds) / 2,
      bestMilliseconds: Math.min(before.bestMilliseconds ?? Infinity, bestMilliseconds),
    })
  }

  /** Runs `body`; if it fails, records the failure and ends the process. */
  private async attempt<T>(candidate: Candidate, body: () => Promise<T>): Promise<T | undefined> {
    const { peer, process } = candidate
    try {
      return await body()
    } catch (error) {
      const remark = error instanceof Error ? error.message : String(error)
      this.outcomes.set(peer, { peer, remark })
      await this.end(process)
      return undefined
    }
  }

  private async end(process: PeerProcess): Promise<void> {
    if (this.alive.delete(process)) await process.stop()
  }
}
