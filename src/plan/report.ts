import { toCallerOrder } from '../graph/layout.js'
import type { Value } from '../graph/value.js'
import { mostUnderWay, reportBytes } from './memory-need.js'

/** The values that every run of a plan returns, and the staging buffers that they come through: one for each run under way. */
export class Report {
  private readonly staging: GPUBuffer[]

  /** @param create makes a buffer that the plan owns */
  constructor(
    readonly values: readonly Value[],
    create: (label: string, bytes: number, usage: GPUBufferUsageFlags) => GPUBuffer,
  ) {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST
    this.staging = Array.from({ length: mostUnderWay }, () => create('report', reportBytes(values), usage))
  }

  /** A staging buffer for a run; give it back with `release`. @throws Error if all runs that may be are under way */
  claim(): GPUBuffer {
    const buffer = this.staging.pop()
    if (!buffer) throw new Error(`${mostUnderWay} runs of the plan are in flight; wait for one of them`)
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
