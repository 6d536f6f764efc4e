import type { Gpu } from '../gpu/gpu.js'
import { readBuffer } from '../gpu/transfer.js'

/** A dispatch ready to be encoded. */
export interface Dispatch {
  /** The op that it belongs to. */
  readonly op: string
  /** The shader that it runs. */
  readonly shader: string
  readonly pipeline: GPUComputePipeline
  readonly bindGroup: GPUBindGroup
  readonly workgroups: readonly [number, number, number]
}

/** Time of one dispatch on the device. */
export interface DispatchTime {
  readonly op: string
  readonly shader: string
  readonly seconds: number
}

/**
 * Runs dispatches one per compute pass between two timestamps and returns their times. The passes of a plan are not
 * separate otherwise, so the sum is somewhat above the time of a run.
 *
 * @throws Error where the device has no timestamps
 */
export async function timeDispatches(gpu: Gpu, dispatches: readonly Dispatch[]): Promise<DispatchTime[]> {
  const { device } = gpu
  if (!device.features.has('timestamp-query')) throw new Error(`${gpu.adapter.name} has no timestamps`)
  const times: DispatchTime[] = []
  // A query set holds at most 4096 timestamps.
  for (let first = 0; first < dispatches.length; first += 2048) {
    const part = dispatches.slice(first, first + 2048)
    const count = 2 * part.length
    const queries = device.createQuerySet({ type: 'timestamp', count })
    const resolved = gpu.buffers.create(
      'timestamps',
      8 * count,
      GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    )
    const encoder = device.createCommandEncoder({ label: 'timed plan' })
    part.forEach(({ pipeline, bindGroup, workgroups }, i) => {
      const pass = encoder.beginComputePass({
        timestampWrites: {
          querySet: queries,
          beginningOfPassWriteIndex: 2 * i,
          endOfPassWriteIndex: 2 * i + 1,
        },
      })
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, bindGroup)
      pass.dispatchWorkgroups(...workgroups)
      pass.end()
    })
    encoder.resolveQuerySet(queries, 0, count, resolved, 0)
    device.queue.submit([encoder.finish()])
    const nanoseconds = new BigInt64Array(await readBuffer(gpu, resolved, 0, 8 * count))
    part.forEach(({ op, shader }, i) => {
      times.push({ op, shader, seconds: Number(nanoseconds[2 * i + 1]! - nanoseconds[2 * i]!) / 1e9 })
    })
    gpu.buffers.destroy(resolved)
    queries.destroy()
  }
  return times
}
