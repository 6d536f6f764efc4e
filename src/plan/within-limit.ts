import type { OpNode } from '../graph/node.js'
import { planeSize, type Value } from '../graph/value.js'
import { planMemory } from './memory.js'
import { bytesOf, type Schedule } from './schedule.js'
import type { Stored } from './storage.js'
import { findSweep, planSweep } from './sweep.js'

/** Slab thicknesses to try, in planes; in thinner slabs, halos would be most of the work. */
const thicknesses = [96, 64, 48, 32, 24, 16, 8]

/**
 * Orders the nodes so that they need at most `limit` bytes: all at once if they fit, else as a sweep in the thickest
 * slabs that fit. If none fit, uses the thinnest slabs. `thickness` forces that many planes per slab, whatever the
 * memory.
 *
 * @param plain the schedule of all nodes at once
 * @param kept values that must be available after a run
 * @param apart values with a buffer outside the pool, which is not counted
 */
export function withinLimit(
  plain: Schedule,
  kept: ReadonlySet<Value>,
  limit: number,
  thickness: number | undefined,
  apart: ReadonlySet<Value>,
): Schedule {
  if (plain.bytes <= limit && !thickness) return plain
  const { nodes, stored } = plain
  const block = findSweep(nodes, kept, stored)
  if (block.length === 0) return plain
  if (thickness) return inSlabs(nodes, block, kept, thickness, stored, apart)
  const most = Math.max(...block.map(({ slices }) => slices!.planes))
  let best = plain
  for (const thickness of thicknesses) {
    if (thickness >= most) continue
    const swept = inSlabs(nodes, block, kept, thickness, stored, apart)
    if (swept.bytes < best.bytes) best = swept
    if (best.bytes <= limit) break
  }
  return best
}

function inSlabs(
  nodes: readonly OpNode[],
  block: readonly OpNode[],
  kept: ReadonlySet<Value>,
  thickness: number,
  stored: Stored,
  apart: ReadonlySet<Value>,
): Schedule {
  const sweep = planSweep(block, nodes, kept, thickness, stored)
  const members = new Set(block)
  const after = new Set<OpNode>()
  for (const node of nodes) {
    const follows = node.inputs.some(
      ({ node: source }) => source && (members.has(source) || after.has(source)),
    )
    // Updates come last: the sweep still reads what they change.
    if (!members.has(node) && (follows || node.mutates.length > 0)) after.add(node)
  }
  const before = nodes.filter((node) => !members.has(node) && !after.has(node))
  const ordered = [...before, ...block, ...after]
  const swept = {
    first: before.length,
    last: before.length + block.length - 1,
    strips: new Map(
      [...sweep.strips].map(([value, planes]) => [
        value,
        stored.elementBytes(value) * planes * planeSize(value),
      ]),
    ),
    sliding: sweep.sliding,
  }
  const memory = planMemory(ordered, kept, swept, stored, apart)
  return { nodes: ordered, sweep, memory, stored, bytes: bytesOf(ordered, kept, memory, apart) }
}
