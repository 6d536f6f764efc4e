import { describe, expect, it } from 'vitest'
import { planMemory } from '../../src/plan/memory.js'
import { defineNode, scratch, type OpNode } from '../../src/graph/node.js'
import { input, type Value } from '../../src/graph/value.js'
import { mulberry32 } from '../reference/nd-array.js'

interface Graph {
  readonly nodes: readonly OpNode[]
  readonly kept: ReadonlySet<Value>
}

/** A node that makes values of the given sizes; it is never run. */
const node = (inputs: readonly Value[], sizes: readonly number[], within: readonly number[] = []): OpNode =>
  defineNode({
    name: 'test',
    inputs: Object.fromEntries(inputs.map((value, i) => [i, value])),
    outputs: sizes.map((size) => ({ shape: [size] })),
    scratch: within.map((size) => scratch('scratch', [size])),
    emit: () => [],
  })

/** A random graph: each node reads some earlier values and makes one or two of random sizes; a few are kept. */
function randomGraph(seed: number): Graph {
  const random = mulberry32(seed)
  const below = (n: number) => Math.floor(random() * n)
  const size = () => 2 ** below(20) + below(7)
  const values: Value[] = [input('x', [100])]
  const nodes: OpNode[] = []
  for (let i = 0; i < 5 + below(60); i++) {
    // Recent values are likelier, as in a network; any may be read again much later, as by a backward pass.
    const pick = () =>
      values[random() < 0.6 ? Math.max(0, values.length - 1 - below(3)) : below(values.length)]!
    const made = node(
      Array.from({ length: 1 + below(3) }, pick),
      Array.from({ length: 1 + below(2) }, size),
      random() < 0.3 ? [size()] : [],
    )
    nodes.push(made)
    values.push(...made.outputs)
  }
  const kept = new Set(nodes.flatMap(({ outputs }) => outputs).filter(() => random() < 0.1))
  return { nodes, kept }
}

/** The nodes, first and last, during which the contents of a value matter. */
function lifetimes({ nodes, kept }: Graph): Map<Value, [number, number]> {
  const life = new Map<Value, [number, number]>()
  nodes.forEach(({ inputs, outputs, scratch }, at) => {
    for (const value of [...outputs, ...scratch]) life.set(value, [at, at])
    for (const value of inputs) if (life.has(value)) life.get(value)![1] = at
  })
  for (const value of kept) life.get(value)![1] = nodes.length
  return life
}

function expectSound(graph: Graph): { total: number; sum: number; peak: number } {
  const { slotOf, slots } = planMemory(graph.nodes, graph.kept)
  const life = [...lifetimes(graph)]
  let sum = 0
  for (const [i, [value, [from, to]]] of life.entries()) {
    const slot = slotOf.get(value)!
    expect(slots[slot]).toBeGreaterThanOrEqual(value.bytes)
    for (const [other, [otherFrom, otherTo]] of life.slice(i + 1)) {
      if (from <= otherTo && otherFrom <= to) expect(slotOf.get(other), 'two live values').not.toBe(slot)
    }
    sum += value.bytes
  }
  expect([...slotOf.keys()].every((value) => value.role === 'computed')).toBe(true)
  const live = graph.nodes.map((_, at) =>
    life.reduce((bytes, [value, [from, to]]) => bytes + (from <= at && at <= to ? value.bytes : 0), 0),
  )
  return { total: slots.reduce((bytes, slot) => bytes + slot, 0), sum, peak: Math.max(...live) }
}

describe('planMemory', () => {
  it('never lets two live values share a slot, whatever the graph', () => {
    let [total, sum, peak] = [0, 0, 0]
    for (let seed = 1; seed <= 200; seed++) {
      const bytes = expectSound(randomGraph(seed))
      expect(bytes.total).toBeLessThanOrEqual(bytes.sum)
      expect(bytes.total).toBeGreaterThanOrEqual(bytes.peak)
      total += bytes.total
      sum += bytes.sum
      peak += bytes.peak
    }
    // How good it is, all graphs together: no more than a third above what is live at once.
    expect(total).toBeLessThan(0.75 * sum)
    expect(total).toBeLessThan(1.34 * peak)
  })

  it('gives no slot to a value stored elsewhere, and keeps the others sound', () => {
    const first = node([input('x', [64])], [64])
    const second = node(first.outputs, [1024])
    const apart = new Set(second.outputs)
    const { slotOf, slots } = planMemory([first, second], apart, undefined, undefined, apart)
    expect([...slotOf.keys()]).toEqual(first.outputs)
    expect(slots).toEqual([256])
  })

  it('runs a chain in two slots', () => {
    const nodes: OpNode[] = []
    let value: Value = input('x', [64])
    for (let i = 0; i < 50; i++) {
      nodes.push(node([value], [64]))
      value = nodes.at(-1)!.outputs[0]!
    }
    const { slots } = planMemory(nodes, new Set([value]))
    expect(slots).toEqual([256, 256])
  })

  it('gives an output another slot than the inputs that end with it: one dispatch may not read and write one', () => {
    const first = node([], [64])
    const second = node(first.outputs, [64], [64])
    const { slotOf } = planMemory([first, second], new Set())
    expect(new Set(slotOf.values()).size).toBe(3)
  })

  it('keeps a kept value to the end, though nothing reads it', () => {
    const first = node([], [64])
    const others = Array.from({ length: 5 }, () => node([], [64]))
    const { slotOf } = planMemory([first, ...others], new Set(first.outputs))
    const slot = slotOf.get(first.outputs[0]!)
    for (const { outputs } of others) expect(slotOf.get(outputs[0]!)).not.toBe(slot)
  })

  it('immediately frees a value that nothing reads', () => {
    const nodes = Array.from({ length: 9 }, () => node([], [64]))
    expect(planMemory(nodes, new Set()).slots).toEqual([256])
  })
})
