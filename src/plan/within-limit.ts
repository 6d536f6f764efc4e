import type { OpNode } from '../graph/node.js'
import { planeSize, type Value } from '../graph/value.js'
import { findChain, inOrder, placesTaken } from './chain.js'
import { planMemory, type SweptNodes } from './memory.js'
import { bytesOf, type Schedule } from './schedule.js'
import type { Stored } from './storage.js'
import { findSweep, planSweep, type Sweep } from './sweep.js'

/** Slab thicknesses to try, in planes; in thinner slabs, halos would be most of the work. */
const thicknesses = [96, 64, 48, 32, 24, 16, 8]

/**
 * Orders the nodes so that they need at most `limit` bytes: all at once if they fit, else as a sweep in the thickest
 * slabs that fit, else as a chain of sweeps (see `findChain`). If none fit, uses what needs least. `thickness` forces a
 * sweep with that many planes per slab, whatever the memory.
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
  const swept = (thickness: number) => inSlabs(nodes, block, kept, thickness, stored, apart)
  if (thickness) return swept(thickness)
  const best = thinned(plain, block, limit, swept)
  if (best.bytes <= limit) return best
  const blocks = findChain(nodes, kept)
  const ordered = blocks.length > 0 ? inOrder(nodes, blocks) : undefined
  if (!ordered) return best
  return thinned(best, blocks.flat(), limit, (thickness) =>
    inChain(ordered, blocks, kept, thickness, stored, apart),
  )
}

/** The schedule in the thickest slabs that fit the limit, or the smallest of all if none fits. */
function thinned(
  start: Schedule,
  swept: readonly OpNode[],
  limit: number,
  make: (thickness: number) => Schedule,
): Schedule {
  const most = Math.max(...swept.map(({ slices }) => slices!.planes))
  let best = start
  for (const thickness of thicknesses) {
    if (thickness >= most) continue
    const made = make(thickness)
    if (made.bytes < best.bytes) best = made
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
  return placed([...before, ...block, ...after], [sweep], new Map(), kept, stored, apart)
}

/** @param nodes in an order in which those of each block are contiguous */
function inChain(
  nodes: readonly OpNode[],
  blocks: readonly (readonly OpNode[])[],
  kept: ReadonlySet<Value>,
  thickness: number,
  stored: Stored,
  apart: ReadonlySet<Value>,
): Schedule {
  // All strips slide, so that no plane of what a sweep reads is read again after the sweep has gone past.
  const sweeps = blocks.map((block) => planSweep(block, nodes, kept, thickness, stored, () => true))
  const elsewhere = new Set([...kept, ...apart])
  const taken = new Map(sweeps.flatMap((sweep) => [...placesTaken(sweep, nodes, elsewhere, stored)]))
  return placed(nodes, sweeps, taken, kept, stored, apart)
}

/** The schedule of these nodes, with a place in memory for every value. */
function placed(
  nodes: readonly OpNode[],
  sweeps: readonly Sweep[],
  taken: ReadonlyMap<Value, Value>,
  kept: ReadonlySet<Value>,
  stored: Stored,
  apart: ReadonlySet<Value>,
): Schedule {
  const swept = sweeps.map((sweep) => sweptNodes(sweep, nodes, taken, stored))
  const memory = planMemory(nodes, kept, swept, stored, apart)
  return { nodes, sweeps, memory, stored, bytes: bytesOf(nodes, kept, memory, apart) }
}

function sweptNodes(
  sweep: Sweep,
  nodes: readonly OpNode[],
  taken: ReadonlyMap<Value, Value>,
  stored: Stored,
): SweptNodes {
  const first = nodes.indexOf(sweep.nodes[0]!)
  const made = new Set(sweep.nodes.flatMap(({ outputs }) => outputs))
  return {
    first,
    last: first + sweep.nodes.length - 1,
    strips: new Map(
      [...sweep.strips].map(([value, planes]) => [
        value,
        stored.elementBytes(value) * planes * planeSize(value),
      ]),
    ),
    sliding: sweep.sliding,
    inPlace: new Map([...taken].filter(([value]) => made.has(value))),
  }
}
