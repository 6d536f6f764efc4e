import type { OpNode } from '../graph/node.js'
import { planeSize, volumeShape, type Value } from '../graph/value.js'
import type { Stored } from './storage.js'
import { blockFrom, inner, sweepable, type Sweep } from './sweep.js'

/**
 * Finds sweeps that run one after the other, for a graph that no single one helps: a network that needs a whole volume
 * after every layer, as for its mean. Each sweep can then write its result over the volume that it reads, so that one
 * such volume exists at a time instead of two.
 *
 * @param nodes in topological order
 * @param kept values that must be stored whole
 * @returns the nodes of each sweep in their order; none for a plan that updates variables, which may be read later
 */
export function findChain(
  nodes: readonly OpNode[],
  kept: ReadonlySet<Value>,
): readonly (readonly OpNode[])[] {
  if (nodes.some(({ mutates }) => mutates.length > 0)) return []
  const fits = [...sweepable(nodes)]
  const position = new Map(nodes.map((node, at) => [node, at]))
  const blocks: (readonly OpNode[])[] = []
  nodes.forEach((_, start) => {
    if (!fits[start]) return
    const block = blockFrom(nodes, fits, start)
    if (inner(block, nodes, kept).size === 0) return
    blocks.push(block)
    for (const node of block) fits[position.get(node)!] = false
  })
  return blocks
}

/**
 * A topological order in which the nodes of each block are contiguous.
 *
 * @param nodes in topological order
 * @returns undefined if there is none, because two blocks depend on each other
 */
export function inOrder(
  nodes: readonly OpNode[],
  blocks: readonly (readonly OpNode[])[],
): readonly OpNode[] | undefined {
  const blockOf = new Map(blocks.flatMap((block) => block.map((node) => [node, block])))
  const groupOf = (node: OpNode): readonly OpNode[] => blockOf.get(node) ?? [node]
  const ordered = new Set<OpNode>()
  const waiting = new Set<OpNode>()
  /** Whether a node and everything that it needs could be put in order. */
  const put = (node: OpNode): boolean => {
    if (ordered.has(node)) return true
    const group = groupOf(node)
    if (waiting.has(group[0]!)) return false
    waiting.add(group[0]!)
    const sources = group.flatMap(({ inputs }) => inputs.flatMap((value) => value.node ?? []))
    const done = sources.every((source) => group.includes(source) || put(source))
    for (const member of group) ordered.add(member)
    return done
  }
  return nodes.every(put) ? [...ordered] : undefined
}

/**
 * The volumes that a sweep can write in place, each with the input whose memory it takes over: no plane of that input is read
 * after it has been overwritten.
 *
 * @param nodes all nodes of the plan, in the order in which they run
 * @param elsewhere values that share no memory with others
 */
export function placesTaken(
  sweep: Sweep,
  nodes: readonly OpNode[],
  elsewhere: ReadonlySet<Value>,
  stored: Stored,
): ReadonlyMap<Value, Value> {
  const members = new Set(sweep.nodes)
  const isWhole = (value: Value) =>
    value.role === 'computed' &&
    value.layout === 'volume' &&
    !elsewhere.has(value) &&
    !sweep.strips.has(value)
  const after = nodes.slice(nodes.indexOf(sweep.nodes.at(-1)!) + 1)
  const readLater = new Set(after.flatMap(({ inputs }) => inputs))
  const old = new Set(
    sweep.nodes
      .flatMap(({ inputs }) => inputs)
      .filter((value) => isWhole(value) && !members.has(value.node!) && !readLater.has(value)),
  )
  const taken = new Map<Value, Value>()
  for (const value of sweep.nodes.flatMap(({ outputs }) => outputs).filter(isWhole)) {
    const place = [...old].find((before) => fitsOver(value, before, stored) && isSafe(sweep, value, before))
    if (!place) continue
    taken.set(value, place)
    old.delete(place)
  }
  return taken
}

/** Whether each plane of `value` ends no later than the same plane of `before`. */
function fitsOver(value: Value, before: Value, stored: Stored): boolean {
  const planeBytes = (volume: Value) => planeSize(volume) * stored.elementBytes(volume)
  return (
    volumeShape(value).planes === volumeShape(before).planes &&
    // Kernels that work on vec4s write up to three elements beyond a plane that is not made of them.
    planeSize(value) % 4 === 0 &&
    planeBytes(value) <= planeBytes(before)
  )
}

/** Whether every plane of `before` has been read for the last time when the sweep writes that of `value`. */
function isSafe({ nodes, slabs }: Sweep, value: Value, before: Value): boolean {
  const writer = nodes.indexOf(value.node!)
  let written = 0
  for (const { ranges } of slabs) {
    for (const [at, node] of nodes.entries()) {
      const range = ranges.get(node)
      if (!range || !node.inputs.includes(before)) continue
      const read = node.slices!.reads(before, range)
      // In a slab, the nodes run one after the other.
      if (!read || at >= writer || Math.max(0, read.first) < written) return false
    }
    written = Math.max(written, ranges.get(value.node!)?.end ?? 0)
  }
  return true
}
