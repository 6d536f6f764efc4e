import type { Gpu } from '../gpu/gpu.js'
import { guarded } from '../gpu/guarded.js'
import { readBuffer } from '../gpu/transfer.js'
import type { Value } from '../graph/value.js'
import { encodeDispatches, type Dispatch } from './dispatch.js'

/** Time of one dispatch on the device. */
export interface DispatchTime {
  /** Name of the op that the dispatch belongs to (`OpNode.op`). */
  readonly op: string
  /** Name of the shader that it runs (`ShaderSource.name`). */
  readonly shader: string
  /** Time on the device between the two timestamps, in seconds. */
  readonly seconds: number
}

/**
 * Times each dispatch in a compute pass of its own, and restores the variables afterwards. A normal run uses a single pass,
 * so the sum is somewhat larger than the time of a run.
 *
 * @param buffers the buffers of all values of the plan
 * @throws Error if the device has no timestamps
 */
export async function timeDispatches(
  gpu: Gpu,
  dispatches: readonly Dispatch[],
  buffers: ReadonlyMap<Value, GPUBuffer>,
): Promise<DispatchTime[]> {
  const variables = [...buffers].filter(([{ role }]) => role === 'variable').map(([, buffer]) => buffer)
  const passes = dispatches.map((dispatch) => [dispatch])
  const seconds = await preserving(gpu, variables, () => timePasses(gpu, passes))
  return dispatches.map(({ op, shader }, i) => ({ op, shader, seconds: seconds[i]! }))
}

/**
 * Runs each list of dispatches as one compute pass and returns the seconds that each pass took on the device.
 *
 * @throws Error if the device has no timestamps
 */
export async function timePasses(gpu: Gpu, passes: readonly (readonly Dispatch[])[]): Promise<number[]> {
  const { device } = gpu
  if (!device.features.has('timestamp-query')) throw new Error(`${gpu.adapter.name} has no timestamps`)
  const times: number[] = []
  // A query set holds at most 4096 timestamps.
  for (let first = 0; first < passes.length; first += 2048) {
    const part = passes.slice(first, first + 2048)
    const count = 2 * part.length
    const queries = device.createQuerySet({ type: 'timestamp', count })
    const resolved = gpu.buffers.create(
      'timestamps',
      8 * count,
      GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    )
    const { checked } = guarded(gpu, 'timed run', () => {
      const encoder = device.createCommandEncoder({ label: 'timed plan' })
      part.forEach((dispatches, i) => {
        const pass = encoder.beginComputePass({
          timestampWrites: {
            querySet: queries,
            beginningOfPassWriteIndex: 2 * i,
            endOfPassWriteIndex: 2 * i + 1,
          },
        })
        encodeDispatches(pass, dispatches)
        pass.end()
      })
      encoder.resolveQuerySet(queries, 0, count, resolved, 0)
      device.queue.submit([encoder.finish()])
    })
    try {
      await checked
      const nanoseconds = new BigInt64Array(await readBuffer(gpu, resolved, 0, 8 * count))
      part.forEach((_, i) => times.push(Number(nanoseconds[2 * i + 1]! - nanoseconds[2 * i]!) / 1e9))
    } finally {
      gpu.buffers.destroy(resolved)
      queries.destroy()
    }
  }
  return times
}

/** Runs `body`, then restores the previous contents of some buffers. */
async function preserving<T>(gpu: Gpu, buffers: readonly GPUBuffer[], body: () => Promise<T>): Promise<T> {
  const { COPY_SRC, COPY_DST } = GPUBufferUsage
  const copies = buffers.map(({ label, size }) =>
    gpu.buffers.create(`copy of ${label}`, size, COPY_SRC | COPY_DST),
  )
  const copyAll = (sources: readonly GPUBuffer[], targets: readonly GPUBuffer[]): void => {
    const encoder = gpu.device.createCommandEncoder({ label: 'preserve' })
    sources.forEach((source, i) => {
      encoder.copyBufferToBuffer(source, 0, targets[i]!, 0, source.size)
    })
    gpu.device.queue.submit([encoder.finish()])
  }
  copyAll(buffers, copies)
  try {
    return await body()
  } finally {
    copyAll(copies, buffers)
    for (const copy of copies) gpu.buffers.destroy(copy)
  }
}
