import { accumulate } from './accumulate.js'
import { customGradientOf } from './custom-gradient.js'
import { atLayer, placeOf } from './layer.js'
import type { OpNode } from './node.js'
import { requireValues } from './require-values.js'
import { requireValue, Value } from './value.js'

/**
 * Gradients of a scalar with respect to some values, as new values of the same graph.
 *
 * One sweep over the nodes in reverse creation order: when a node is reached, every use of its outputs has been
 * visited, so their gradients are complete. No recursion, and a value used twice is counted twice and visited once.
 *
 * @throws Error if `loss` or a wanted value is not a `Value`, if `loss` is not a scalar or does not depend on a wanted
 *   value, if an op on the way has no gradient, or if an op returns one whose shape differs from its input's
 */
export function gradients(loss: Value, wanted: readonly Value[]): Value[] {
  requireValue('gradients: loss', loss)
  requireValues('gradients: wanted', wanted)
  if (loss.size !== 1)
    throw new Error(`gradients: ${loss.name} must be a scalar, not [${loss.shape.join(', ')}]`)
  const nodes = nodesBehind([loss], [], dependencies).sort((a, b) => a.id - b.id)

  // Only values that depend on a wanted one carry a gradient.
  const active = new Set<Value>(wanted)
  for (const node of nodes) {
    if (dependencies(node).some((value) => active.has(value)))
      for (const output of node.outputs) active.add(output)
  }

  const one = { initial: Float32Array.of(1), layout: loss.layout }
  const gradient = new Map<Value, Value>([[loss, new Value('one', loss.shape, 'constant', one)]])
  const addTo = (
    node: OpNode,
    inputs: readonly Value[],
    gradInputs: readonly (Value | undefined)[],
  ): void => {
    inputs.forEach((value, i) => {
      const incoming = gradInputs[i]
      if (!incoming || !active.has(value)) return
      requireGradient(node, value, incoming)
      const sum = gradient.get(value)
      gradient.set(value, sum ? accumulate(sum, incoming) : incoming)
    })
  }
  for (const node of nodes.reverse()) {
    const gradOutputs = node.outputs.map((output) => {
      const gradOutput = gradient.get(output)
      const custom = customGradientOf(output)
      if (!gradOutput || !custom) return gradOutput
      addTo(
        node,
        custom.inputs,
        atLayer(node.layer, () => custom.backward(gradOutput)),
      )
      return undefined
    })
    if (!gradOutputs.some(Boolean) || !node.inputs.some((value) => active.has(value))) continue
    const { backward } = node
    if (!backward) throw new Error(`gradients: ${placeOf(node)} has no gradient`)
    const gradInputs = atLayer(node.layer, () => backward(gradOutputs))
    addTo(node, node.inputs, gradInputs)
  }
  return wanted.map((value) => {
    const found = gradient.get(value)
    if (!found) throw new Error(`gradients: ${loss.name} does not depend on ${value.name}`)
    return found
  })
}

/** @throws Error if `gradient` differs from its input in shape, layout or type */
function requireGradient(node: OpNode, value: Value, gradient: Value): void {
  // Labels receive the gradient of their one-hot form, which only the ops on either side can check.
  if (value.dtype === 'u32' || value.partial) return
  const sameShape =
    gradient.shape.length === value.shape.length && gradient.shape.every((n, i) => n === value.shape[i])
  if (sameShape && gradient.layout === value.layout && gradient.dtype === 'f32') return
  throw new Error(
    `gradients: ${placeOf(node)}: the gradient of its input ${value.name} must be f32 [${value.shape.join(', ')}] (${value.layout}), not ${gradient.dtype} [${gradient.shape.join(', ')}] (${gradient.layout})`,
  )
}

/** The values that a node's gradient may flow to. */
function dependencies({ inputs, outputs }: OpNode): readonly Value[] {
  return [...inputs, ...outputs.flatMap((output) => customGradientOf(output)?.inputs ?? [])]
}

/**
 * The effects, and every node that they or the values depend on.
 *
 * @param behind the values that a node depends on; its inputs by default
 */
export function nodesBehind(
  values: readonly Value[],
  effects: readonly OpNode[] = [],
  behind: (node: OpNode) => readonly Value[] = (node) => node.inputs,
): OpNode[] {
  const found = new Set<OpNode>()
  const open = [...effects, ...values.flatMap((value) => value.node ?? [])]
  for (let node = open.pop(); node; node = open.pop()) {
    if (found.has(node)) continue
    found.add(node)
    for (const value of behind(node)) if (value.node) open.push(value.node)
  }
  return [...found]
}
