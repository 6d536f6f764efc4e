import { planMemory, type MemoryPlan } from './memory.js'
import type { OpNode } from '../graph/node.js'
import type { Sweep } from './sweep.js'
import type { Stored } from './storage.js'
import type { Value } from '../graph/value.js'

/** The order in which nodes run, and where their values are stored. */
export interface Schedule {
  readonly nodes: readonly OpNode[]
  /** The nodes that run slab by slab, if any; those of a sweep are contiguous in `nodes`. */
  readonly sweeps: readonly Sweep[]
  readonly memory: MemoryPlan
  readonly stored: Stored
  /** Bytes of inputs, constants and pooled values together. */
  readonly bytes: number
}

/**
 * Runs all nodes at once, in their order.
 *
 * @param nodes in topological order
 * @param kept values that must be available after a run
 * @param stored storage types of the values
 * @param apart values with a buffer outside the pool, which is not counted
 */
export function atOnce(
  nodes: readonly OpNode[],
  kept: ReadonlySet<Value>,
  stored: Stored,
  apart: ReadonlySet<Value>,
): Schedule {
  const memory = planMemory(nodes, kept, [], stored, apart)
  return { nodes, sweeps: [], memory, stored, bytes: bytesOf(nodes, kept, memory, apart) }
}

/** Bytes of the pool, and of the inputs, constants and kept values outside it. */
export function bytesOf(
  nodes: readonly OpNode[],
  kept: ReadonlySet<Value>,
  { slotOf, slots }: MemoryPlan,
  apart: ReadonlySet<Value>,
): number {
  const given = new Set(
    [...nodes.flatMap(({ inputs }) => inputs), ...kept].filter(
      (value) => !slotOf.has(value) && !apart.has(value) && value.role !== 'variable',
    ),
  )
  const sizes = [...slots, ...[...given].map(({ bytes }) => bytes)]
  return sizes.reduce((sum, bytes) => sum + bytes, 0)
}
