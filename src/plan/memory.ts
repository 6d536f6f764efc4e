import type { OpNode } from '../graph/node.js'
import { inFull, type Stored } from './storage.js'
import type { Value } from '../graph/value.js'

/** Which pooled slot holds each computed value, and how large each slot must be. */
export interface MemoryPlan {
  readonly slotOf: ReadonlyMap<Value, number>
  /** Bytes of each slot. */
  readonly slots: readonly number[]
}

/** The nodes that run as a sweep, by position, and the bytes of the strips between them. */
export interface SweptNodes {
  readonly first: number
  readonly last: number
  readonly strips: ReadonlyMap<Value, number>
  /** Strips whose contents survive from one slab to the next. */
  readonly sliding: ReadonlySet<Value>
  /** Values written in place, each with the input whose memory it takes over. */
  readonly inPlace: ReadonlyMap<Value, Value>
}

/** Bytes that do not count as waste when a value takes over a larger slot. */
const slack = 65536

/**
 * Assigns the computed values of a plan to few and small slots, greedily.
 *
 * A value lives from the node that makes it to the last node that reads it (scratch: within its node; kept values:
 * to the end). The next value takes over a free slot: the smallest that is large enough, else the largest, which grows.
 * Two values of one node never share a slot, because WebGPU does not allow a dispatch to read and write the same
 * buffer.
 *
 * The nodes of a sweep run once per slab, in order. A strip lives from node to node, like other values. But a value
 * that is stored whole and is written or read in the sweep lives until the sweep ends, and so does a sliding strip. One
 * that is written in place of another takes over its slot.
 *
 * @param apart values with a buffer outside the pool
 */
export function planMemory(
  nodes: readonly OpNode[],
  kept: ReadonlySet<Value>,
  sweeps: readonly SweptNodes[] = [],
  stored: Stored = inFull,
  apart: ReadonlySet<Value> = new Set(),
): MemoryPlan {
  const strips = new Map(sweeps.flatMap((sweep) => [...sweep.strips]))
  const sliding = new Set(sweeps.flatMap((sweep) => [...sweep.sliding]))
  const inPlace = new Map(sweeps.flatMap((sweep) => [...sweep.inPlace]))
  const ceded = new Set(inPlace.values())
  const isStrip = (value: Value) => strips.has(value) && !sliding.has(value)
  const sweepAt = (at: number) => sweeps.find(({ first, last }) => at >= first && at <= last)
  const bytesOf = (value: Value) => strips.get(value) ?? stored.bytes(value)
  const lastUse = new Map<Value, number>()
  nodes.forEach((node, at) => {
    const swept = sweepAt(at)
    for (const value of [...node.outputs, ...node.scratch, ...node.inputs])
      lastUse.set(value, swept && !isStrip(value) ? swept.last : at)
  })

  const slotOf = new Map<Value, number>()
  const slots: number[] = []
  const free: number[] = []
  const assign = (value: Value): void => {
    const before = inPlace.get(value)
    if (before) {
      slotOf.set(value, slotOf.get(before)!)
      return
    }
    const bytes = bytesOf(value)
    const fits = free.filter((slot) => slots[slot]! >= bytes).sort((a, b) => slots[a]! - slots[b]!)
    const grows = free.filter((slot) => slots[slot]! < bytes).sort((a, b) => slots[b]! - slots[a]!)
    // A small value in a huge slot would keep the slot from the next huge value.
    const snug = fits[0] !== undefined && slots[fits[0]]! <= 2 * bytes + slack ? fits[0] : undefined
    const slot = snug ?? grows[0] ?? slots.length
    if (slot === slots.length) slots.push(0)
    else free.splice(free.indexOf(slot), 1)
    slots[slot] = Math.max(slots[slot]!, bytes)
    slotOf.set(value, slot)
  }
  const madeBy = (node: OpNode) =>
    [...node.outputs, ...node.scratch]
      .filter((value) => !apart.has(value))
      .sort((a, b) => bytesOf(b) - bytesOf(a))

  nodes.forEach((node, at) => {
    const swept = sweepAt(at)
    const made = madeBy(node).filter((value) => !swept || isStrip(value))
    if (at === swept?.first) {
      const block = nodes.slice(swept.first, swept.last + 1)
      made.unshift(...block.flatMap(madeBy).filter((value) => !isStrip(value)))
    }
    for (const value of made) assign(value)
    const used = at === swept?.last ? [...slotOf.keys()] : [...made, ...node.inputs]
    for (const value of new Set(used)) {
      const slot = slotOf.get(value)
      if (slot !== undefined && lastUse.get(value) === at && !kept.has(value) && !ceded.has(value))
        free.push(slot)
    }
  })
  return { slotOf, slots }
}
