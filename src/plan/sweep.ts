import type { OpNode } from '../graph/node.js'
import { inFull, type Stored } from './storage.js'
import { planeSize, volumeShape, type Value } from '../graph/value.js'
import type { Slab } from '../graph/window.js'

/**
 * Nodes of a plan that run together, slab by slab along depth: all of them for the first planes, then all of them for
 * the next. Of the values between them, only the current planes are stored.
 */
export interface Sweep {
  readonly nodes: readonly OpNode[]
  /** Planes per slab. */
  readonly thickness: number
  readonly slabs: readonly SweepSlab[]
  /** Values stored as strips only, with the planes of each strip. */
  readonly strips: ReadonlyMap<Value, number>
  /** Strips that keep the planes that the next slab reads too, because recomputing them is expensive. */
  readonly sliding: ReadonlySet<Value>
}

/** The work for one slab. */
export interface SweepSlab {
  /** The planes that each node computes, halos of later nodes included; nodes with none are left out. */
  readonly ranges: ReadonlyMap<OpNode, Slab>
  /** The planes that each strip holds during this slab. */
  readonly held: ReadonlyMap<Value, Slab>
}

/**
 * Finds the nodes whose sweep saves most memory. They must support cuts along depth, work at full scale, and form a
 * block: no node outside may depend on one of them while another depends on it.
 *
 * @param nodes in topological order
 * @param kept values that must be stored whole
 * @returns some of the nodes in their order; empty if a sweep would save nothing
 */
export function findSweep(
  nodes: readonly OpNode[],
  kept: ReadonlySet<Value>,
  stored: Stored = inFull,
): readonly OpNode[] {
  const fits = sweepable(nodes)
  let best: readonly OpNode[] = []
  let most = 0
  nodes.forEach((_, start) => {
    if (!fits[start]) return
    const block = blockFrom(nodes, fits, start)
    const saved = [...inner(block, nodes, kept)].reduce((sum, value) => sum + stored.bytes(value), 0)
    if (saved > most) [best, most] = [block, saved]
  })
  return best
}

/**
 * Works out which planes each node computes when the sweep advances by `thickness` planes at a time.
 *
 * @param block the nodes of the sweep, in topological order
 * @param nodes all nodes of the plan
 * @param slides whether the strip of a node's output keeps the planes that the next slab reads; default: if they are
 *   expensive to recompute
 */
export function planSweep(
  block: readonly OpNode[],
  nodes: readonly OpNode[],
  kept: ReadonlySet<Value>,
  thickness: number,
  stored: Stored = inFull,
  slides: (node: OpNode) => boolean = ({ slices }) => slices!.costly,
): Sweep {
  const strips = inner(block, nodes, kept)
  const sliding = new Set(
    [...strips].filter((value) => slides(value.node!) && planeSize(value) >= stored.alignment(value)),
  )
  const most = Math.max(...block.map(planeCount))
  const progress: Progress = { done: new Map(), held: new Map(), dropped: new Set() }
  const slabs: SweepSlab[] = []
  for (let first = 0; first < most; first += thickness) {
    const end = Math.min(most, first + thickness)
    const shareOf = (planes: number) => share(planes, most, first, end)
    slabs.push(planSlab(block, strips, sliding, progress, shareOf))
  }
  const { dropped } = progress
  if (dropped.size > 0) {
    const slidesOn = (node: OpNode) => slides(node) && !node.outputs.some((value) => dropped.has(value))
    return planSweep(block, nodes, kept, thickness, stored, slidesOn)
  }
  const sizes = new Map<Value, number>()
  for (const { held } of slabs) {
    for (const [value, { first, end }] of held) {
      sizes.set(value, Math.max(sizes.get(value) ?? 0, end - first))
    }
  }
  return { nodes: block, thickness, slabs, strips: sizes, sliding }
}

/** Which nodes can be part of a sweep: those that can be cut along depth and work at full scale. */
export function sweepable(nodes: readonly OpNode[]): readonly boolean[] {
  const large = Math.max(0, ...nodes.map(voxelsOf)) / 4
  return nodes.map((node) => node.slices !== undefined && voxelsOf(node) > large)
}

/** The nodes that form a block with the node at `start`, from there on. */
export function blockFrom(
  nodes: readonly OpNode[],
  fits: readonly boolean[],
  start: number,
): readonly OpNode[] {
  const block = new Set<OpNode>()
  /** Nodes outside that depend on the block. */
  const behind = new Set<OpNode>()
  nodes.forEach((node, at) => {
    if (at < start) return
    const sources = node.inputs.flatMap((value) => (value.node ? [{ value, source: value.node }] : []))
    const joins =
      fits[at] &&
      node.mutates.length === 0 &&
      sources.every(
        ({ value, source }) => !behind.has(source) && (!block.has(source) || readsPlanes(node, value)),
      )
    if (joins) block.add(node)
    else if (sources.some(({ source }) => block.has(source) || behind.has(source))) behind.add(node)
  })
  return [...block]
}

function readsPlanes({ slices }: OpNode, value: Value): boolean {
  return value.layout === 'volume' && slices?.reads(value, { first: 0, end: 1 }) !== undefined
}

/** Volumes that only nodes of the block write or read. */
export function inner(
  block: readonly OpNode[],
  nodes: readonly OpNode[],
  kept: ReadonlySet<Value>,
): Set<Value> {
  const members = new Set(block)
  const values = new Set(
    block.flatMap(({ outputs }) => outputs).filter((value) => value.layout === 'volume' && !kept.has(value)),
  )
  for (const node of nodes) if (!members.has(node)) for (const value of node.inputs) values.delete(value)
  return values
}

/** Progress of a sweep. */
interface Progress {
  /** The finished planes of each node whose output is kept. */
  readonly done: Map<OpNode, number>
  /** Planes in the sliding strips. */
  readonly held: Map<Value, Slab>
  /** Strips that had dropped planes by the time they were read again: readers do not all advance alike. */
  readonly dropped: Set<Value>
}

/**
 * The planes of each node for one slab, from the last node back, because later nodes determine what earlier ones must
 * compute.
 */
function planSlab(
  block: readonly OpNode[],
  strips: ReadonlySet<Value>,
  sliding: ReadonlySet<Value>,
  progress: Progress,
  shareOf: (planes: number) => Slab | undefined,
): SweepSlab {
  const needed = new Map<Value, Slab>()
  const ranges = new Map<OpNode, Slab>()
  const held = new Map<Value, Slab>()
  for (const node of [...block].reverse()) {
    const volumes = node.outputs.filter(({ layout }) => layout === 'volume')
    // Outputs that outlive the slab, including sums: compute this slab's share. Strips: compute whatever later nodes
    // read.
    const own = node.outputs.some((value) => !strips.has(value)) ? shareOf(planeCount(node)) : undefined
    const asked = hull([own, ...volumes.map((value) => needed.get(value))])
    if (!asked) continue
    const finished = progress.done.get(node) ?? 0
    // Later nodes may ask for planes ahead of the slab's share: a volume that is kept must not miss those before.
    const outlives = volumes.some((value) => !strips.has(value))
    const wanted = outlives ? { first: Math.min(asked.first, finished), end: asked.end } : asked
    // The strip may still hold planes of earlier slabs.
    const stays = volumes.length > 0 && volumes.every((value) => !strips.has(value) || sliding.has(value))
    const done = stays ? finished : 0
    const range = { first: Math.max(wanted.first, done), end: wanted.end }
    progress.done.set(node, Math.max(finished, wanted.end))
    for (const value of volumes.filter((value) => strips.has(value))) {
      const slides = sliding.has(value)
      const before = progress.held.get(value)
      if (slides && before && wanted.first < before.first) progress.dropped.add(value)
      held.set(value, slides ? nextStrip(before, wanted, done) : range)
      if (slides) progress.held.set(value, held.get(value)!)
    }
    if (range.first >= range.end) continue
    ranges.set(node, range)
    for (const value of node.inputs) {
      const slab = value.layout === 'volume' ? node.slices?.reads(value, range) : undefined
      if (slab) needed.set(value, hull([needed.get(value), clamped(slab, volumeShape(value).planes)])!)
    }
  }
  return { ranges: new Map([...ranges].reverse()), held }
}

/**
 * The planes that a sliding strip holds next. It never slides by a single plane: source and target of the copy would
 * touch.
 */
function nextStrip(before: Slab | undefined, wanted: Slab, done: number): Slab {
  const stays = before && wanted.first - before.first < 2
  return { first: stays ? before.first : wanted.first, end: Math.max(wanted.end, done) }
}

/** The part of `planes` that corresponds to planes [first, end) of `most`; a coarser volume has fewer. */
function share(planes: number, most: number, first: number, end: number): Slab | undefined {
  const scale = Math.max(1, Math.round(most / planes))
  const part = {
    first: Math.min(planes, Math.floor(first / scale)),
    end: end === most ? planes : Math.min(planes, Math.floor(end / scale)),
  }
  return part.first < part.end ? part : undefined
}

function hull(slabs: readonly (Slab | undefined)[]): Slab | undefined {
  const some = slabs.filter((slab) => slab !== undefined)
  if (some.length === 0) return undefined
  return {
    first: Math.min(...some.map(({ first }) => first)),
    end: Math.max(...some.map(({ end }) => end)),
  }
}

function clamped({ first, end }: Slab, planes: number): Slab {
  return { first: Math.max(0, first), end: Math.min(planes, end) }
}

function planeCount({ slices }: OpNode): number {
  return slices?.planes ?? 0
}

/** Voxels of the finest volume that a node works on. */
function voxelsOf({ inputs, outputs }: OpNode): number {
  const volumes = [...inputs, ...outputs].filter(({ layout }) => layout === 'volume')
  return Math.max(0, ...volumes.map((value) => volumeShape(value).voxels))
}
