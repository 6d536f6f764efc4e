import type { OpNode } from '../graph/node.js'
import type { Value } from '../graph/value.js'

/**
 * The nodes in the order in which they were made, but updates of variables last: everything else reads what variables held
 * before the run, at once as in slabs.
 *
 * @throws Error if a node reads a variable between two updates of it
 */
export function updatesLast(nodes: readonly OpNode[]): OpNode[] {
  const sorted = [...nodes].sort((a, b) => a.id - b.id)
  const updates = sorted.filter(({ mutates }) => mutates.length > 0)
  const others = sorted.filter(({ mutates }) => mutates.length === 0)
  const changed = new Map<Value, number[]>()
  for (const { id, mutates } of updates)
    for (const value of mutates) changed.set(value, [...(changed.get(value) ?? []), id])
  for (const { id, op, inputs } of others) {
    const between = inputs.find((value) => {
      const ids = changed.get(value)
      return ids && ids[0]! < id && ids.at(-1)! > id
    })
    if (between)
      throw new Error(
        `compile: ${op} reads ${between.name} between two updates of it; make two plans of them`,
      )
  }
  return [...others, ...updates]
}
