import type { Value } from '../graph/value.js'
import type { BoundBuffers } from './caller-buffers.js'
import type { MemoryPlan } from './memory.js'
import type { Variables } from './variables.js'

/**
 * The buffer of each value: the caller's, a slot of the pool, a variable's, or its own (a constant's is filled with its
 * contents).
 *
 * @param create makes a buffer that the plan owns
 */
export function placeValues(
  values: readonly Value[],
  { slotOf, slots }: MemoryPlan,
  bound: BoundBuffers,
  variables: Variables,
  create: (label: string, bytes: number, usage: GPUBufferUsageFlags) => GPUBuffer,
  queue: GPUQueue,
): ReadonlyMap<Value, GPUBuffer> {
  const { STORAGE, UNIFORM, COPY_SRC, COPY_DST } = GPUBufferUsage
  const usage = STORAGE | UNIFORM | COPY_SRC | COPY_DST
  const pool = slots.map((bytes, i) => create(`pool ${i}`, bytes, usage))
  const place = (value: Value): GPUBuffer => {
    const slot = slotOf.get(value)
    const callerOwned = bound.get(value)
    if (callerOwned) return callerOwned
    if (slot !== undefined) return pool[slot]!
    if (value.role === 'variable') return variables.buffer(value)
    const buffer = create(value.name, value.bytes, usage)
    if (value.initial) queue.writeBuffer(buffer, 0, value.initial as Float32Array<ArrayBuffer>)
    return buffer
  }
  return new Map(values.map((value) => [value, place(value)]))
}
