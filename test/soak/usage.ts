import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Gpu } from '../../src/gpu/gpu.js'
import type { Sample } from './trend.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Collects garbage twice: what is collected releases memory of the driver in the next turn, and more can go then. */
export async function collectAll(): Promise<void> {
  collectGarbage()
  await turn()
  collectGarbage()
}

/** Samples of what a process and its device use, each after so many pieces of work. */
export class Usage {
  readonly buffers: Sample[] = []
  readonly bufferBytes: Sample[] = []
  /** Resident megabytes after a garbage collection. */
  readonly resident: Sample[] = []
  /** Milliseconds a piece of work. */
  readonly milliseconds: Sample[] = []
  private last = 0
  private start: number

  constructor(
    /** Takes a sample after every so many pieces. */
    private readonly every: number,
    private readonly gpu?: Gpu,
  ) {
    this.start = this.clock()
  }

  /** Call after each piece of work, the first with 1. */
  async after(done: number): Promise<void> {
    if (done % this.every !== 0) return
    this.milliseconds.push({ at: done, value: (this.clock() - this.start) / (done - this.last) })
    if (this.gpu) {
      this.buffers.push({ at: done, value: this.gpu.buffers.count })
      this.bufferBytes.push({ at: done, value: this.gpu.buffers.bytes })
    }
    await collectAll()
    this.resident.push({ at: done, value: process.memoryUsage.rss() / 1e6 })
    this.last = done
    this.start = this.clock()
  }

  /**
   * Milliseconds: of processor time if the device computes on the processor, which other programs on the machine
   * disturb least; else of the clock on the wall.
   */
  private clock(): number {
    if (!this.gpu?.adapter.software) return performance.now()
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
}
