import type { OpNode } from './node.js'
import type { Value } from './value.js'

/** Which pooled slot holds each computed value, and how large each slot must be. */
export interface MemoryPlan {
  readonly slotOf: ReadonlyMap<Value, number>
  /** Bytes of each slot. */
  readonly slots: readonly number[]
}

/**
 * Assigns the computed values of a plan to as few and as small slots as a greedy sweep finds.
 *
 * A value lives from the node that makes it to the last node that reads it (scratch: within its node; kept values:
 * to the end). A freed slot is taken over by the next value: the smallest that is large enough, else the largest,
 * grown. Two values of one node never share a slot, because WebGPU forbids one buffer to be read and written in
 * one dispatch.
 */
export function planMemory(nodes: readonly OpNode[], kept: ReadonlySet<Value>): MemoryPlan {
  const lastUse = new Map<Value, number>()
  nodes.forEach((node, at) => {
    for (const value of [...node.outputs, ...node.scratch, ...node.inputs]) lastUse.set(value, at)
  })

  const slotOf = new Map<Value, number>()
  const slots: number[] = []
  const free: number[] = []
  const assign = (value: Value): void => {
    const fits = free.filter((slot) => slots[slot]! >= value.bytes).sort((a, b) => slots[a]! - slots[b]!)
    const grows = free.filter((slot) => slots[slot]! < value.bytes).sort((a, b) => slots[b]! - slots[a]!)
    // A small value in a huge slot would keep the slot from the next huge value.
    const snug = fits[0] !== undefined && slots[fits[0]]! <= 2 * value.bytes + 65536 ? fits[0] : undefined
    const slot = snug ?? grows[0] ?? slots.length
    if (slot === slots.length) slots.push(0)
    else free.splice(free.indexOf(slot), 1)
    slots[slot] = Math.max(slots[slot]!, value.bytes)
    slotOf.set(value, slot)
  }

  nodes.forEach((node, at) => {
    const made = [...node.outputs, ...node.scratch].sort((a, b) => b.bytes - a.bytes)
    for (const value of made) assign(value)
    for (const value of new Set([...made, ...node.inputs])) {
      const slot = slotOf.get(value)
      if (slot !== undefined && lastUse.get(value) === at && !kept.has(value)) free.push(slot)
    }
  })
  return { slotOf, slots }
}
