import { planMemory, type MemoryPlan } from './memory.js'
import type { DeviceTraits, KernelCall, OpNode } from '../graph/node.js'
import { findSweep, planeSize, planSweep, type Sweep, type SweepSlab } from './sweep.js'
import { inFull, type Stored } from './storage.js'
import type { Value } from '../graph/value.js'
import { linearGroups, slabs, type Slab } from '../graph/window.js'
import * as shaders from '../generated/shaders.js'

/** The order in which nodes run, and where their values lie. */
export interface Schedule {
  readonly nodes: readonly OpNode[]
  /** The nodes that run slab by slab, where some do; they follow each other in `nodes`. */
  readonly sweep: Sweep | undefined
  readonly memory: MemoryPlan
  readonly stored: Stored
  /** Bytes of inputs, constants and pooled values together. */
  readonly bytes: number
}

/** A kernel call with the name of its op, and the first element that is stored of each strip. */
export type ScheduledCall = KernelCall & {
  readonly op: string
  /** Whether it changes variables. */
  readonly mutates: boolean
  readonly origins: ReadonlyMap<Value, number>
}

/** Slabs are tried down to this many planes: below, halos are most of the work. */
const thicknesses = [96, 64, 48, 32, 24, 16, 8]

/**
 * Orders the nodes so that they need at most `limit` bytes: all at once where that suffices, else with a sweep in the
 * thickest slabs that do, else in the thinnest.
 * With `thickness` slabs have that many planes whatever they take.
 *
 * @param nodes in topological order
 * @param kept values that must be there after a run
 * @param stored how values lie on the device; default all in full precision
 * @param apart values that have a buffer of their own elsewhere, which is not counted
 */
export function schedule(
  nodes: readonly OpNode[],
  kept: ReadonlySet<Value>,
  limit: number,
  thickness?: number,
  stored: Stored = inFull,
  apart: ReadonlySet<Value> = new Set(),
): Schedule {
  const plain = atOnce(nodes, kept, stored, apart)
  if (plain.bytes <= limit && !thickness) return plain
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

/** The kernel calls of a schedule, in their order. */
export function callsOf({ nodes, sweep, stored }: Schedule, device: DeviceTraits): ScheduledCall[] {
  const label = (
    { op, mutates }: Pick<OpNode, 'op' | 'mutates'>,
    calls: KernelCall[],
    origins: ReadonlyMap<Value, number> = new Map(),
  ) =>
    calls.map((call) => ({
      ...call,
      half: stored.halvesOf(call),
      op,
      mutates: mutates.length > 0,
      origins,
    }))
  const emitted = (node: OpNode) => label(node, node.emit(device))
  if (!sweep) return nodes.flatMap(emitted)
  const first = nodes.indexOf(sweep.nodes[0]!)
  return [
    ...nodes.slice(0, first).flatMap(emitted),
    ...sweep.slabs.flatMap(({ ranges, held }, i) => {
      const origins = originsOf(held)
      const before = sweep.slabs[i - 1]?.held ?? new Map<Value, Slab>()
      return [
        ...[...sweep.sliding].flatMap((value) =>
          label(slide, slideCalls(value, before.get(value), held.get(value), device), originsOf(before)),
        ),
        ...[...ranges].flatMap(([node, slab]) => label(node, node.slices!.emit(device, slab), origins)),
      ]
    }),
    ...sweep.nodes.flatMap((node) => label(node, node.slices!.finish(device))),
    ...nodes.slice(first + sweep.nodes.length).flatMap(emitted),
  ]
}

const slide = { op: 'slide', mutates: [] }

/** The element that each strip begins with. */
function originsOf(held: SweepSlab['held']): ReadonlyMap<Value, number> {
  return new Map([...held].map(([value, { first }]) => [value, first * planeSize(value)]))
}

/** Moves the planes that stay to the front of a sliding strip: piece by piece, because source and target may overlap. */
function slideCalls(
  value: Value,
  before: Slab | undefined,
  after: Slab | undefined,
  device: DeviceTraits,
): KernelCall[] {
  if (!before || !after || after.first === before.first) return []
  const by = after.first - before.first
  const size = planeSize(value)
  const window = (first: number, last: number) => ({ value, start: first * size, end: last * size })
  const vector = size % 4 === 0
  const step = vector ? 4 : 1
  const calls: KernelCall[] = []
  // One plane less than the distance, so that the aligned windows of source and target do not touch.
  for (let first = before.first; first + by < before.last; first += by - 1) {
    const last = Math.min(first + by - 1, before.last - by)
    for (const slab of slabs({ first, last }, device, (part) => [window(part.first, part.last)])) {
      const count = ((slab.last - slab.first) * size) / step
      calls.push({
        shader: shaders.elementwiseMove,
        flags: { VECTOR: vector },
        params: { first: (slab.first * size) / step, by: (by * size) / step, count },
        bindings: {
          source: window(slab.first + by, slab.last + by),
          output: window(slab.first, slab.last),
        },
        workgroups: linearGroups(count),
      })
    }
  }
  return calls
}

function atOnce(
  nodes: readonly OpNode[],
  kept: ReadonlySet<Value>,
  stored: Stored,
  apart: ReadonlySet<Value>,
): Schedule {
  const memory = planMemory(nodes, kept, undefined, stored, apart)
  return { nodes, sweep: undefined, memory, stored, bytes: bytesOf(nodes, kept, memory, apart) }
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

function bytesOf(
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
