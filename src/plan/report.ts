import { toCallerOrder } from '../graph/layout.js'
import type { Value } from '../graph/value.js'
import { maxInFlight, reportBytes } from './memory-need.js'

/** The values that every run of a plan returns, and their staging buffers: one for each run in flight. */
export class Report {
  private readonly staging: GPUBuffer[]

  /** @param create makes a buffer that the plan owns */
  constructor(
    readonly values: readonly Value[],
    create: (label: string, bytes: number, usage: GPUBufferUsageFlags) => GPUBuffer,
  ) {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST
    this.staging = Array.from({ length: maxInFlight }, () => create('report', reportBytes(values), usage))
  }

  /** A staging buffer for a run; return it with `release`. @throws Error if the maximum of runs is already in flight */
  claim(): GPUBuffer {
    const buffer = this.staging.pop()
    if (!buffer) throw new Error(`${maxInFlight} runs of the plan are in flight; wait for one of them`)
    return buffer
  }

  release(buffer: GPUBuffer): void {
    this.staging.push(buffer)
  }

  /** Copies the values into a staging buffer, side by side. */
  encode(encoder: GPUCommandEncoder, bufferOf: (value: Value) => GPUBuffer, staging: GPUBuffer): void {
    let at = 0
    for (const value of this.values) {
      encoder.copyBufferToBuffer(bufferOf(value), 0, staging, at, value.bytes)
      at += value.bytes
    }
  }

  /** The values in a mapped staging buffer, in the caller's order; unmaps it. */
  take(staging: GPUBuffer): Float32Array[] {
    const bytes = staging.getMappedRange().slice(0)
    staging.unmap()
    let at = 0
    return this.values.map((value) => {
      const numbers = new Float32Array(bytes, at, value.size)
      at += value.bytes
      return toCallerOrder(value, numbers)
    })
  }
}
