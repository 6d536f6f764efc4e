import type { DeviceTraits } from '../gpu/traits.js'
import { placed, placeOf } from '../graph/layer.js'
import type { KernelCall, OpNode } from '../graph/node.js'
import type { Value } from '../graph/value.js'
import type { Slab } from '../graph/window.js'
import type { Stored } from './storage.js'

/** A kernel call, with what the schedule knows about it. */
export type ScheduledCall = KernelCall & {
  /** Bindings stored as f16. */
  readonly half: readonly string[]
  readonly op: string
  /** The layer that the node belongs to: `encoder.block3`, say. */
  readonly layer: string | undefined
  /** In a sweep: the planes of the node's output that it computes. */
  readonly slab: Slab | undefined
  /** Whether it changes variables. */
  readonly mutates: boolean
  /** The first stored element of each strip. */
  readonly origins: ReadonlyMap<Value, number>
}

/** The calls of nodes that run at once, in their order. */
export function callsOf(nodes: readonly OpNode[], stored: Stored, device: DeviceTraits): ScheduledCall[] {
  return nodes.flatMap((node) => labelled(node, stored, () => node.emit(device)))
}

/**
 * The calls that `emit` returns for a node, with what the schedule knows about them.
 *
 * @throws what `emit` throws, with the op and its layer in front of the message
 */
export function labelled(
  node: Labelled,
  stored: Stored,
  emit: () => KernelCall[],
  origins: ReadonlyMap<Value, number> = new Map(),
  slab?: Slab,
): ScheduledCall[] {
  return emittedBy(node, emit).map((call) => ({
    ...call,
    half: stored.halvesOf(call),
    op: node.op,
    layer: layerOf(node),
    slab,
    mutates: node.mutates.length > 0,
    origins,
  }))
}

/** The parts of a node that its calls are named after. */
export type Labelled = Pick<OpNode, 'op' | 'mutates' | 'inputs'> &
  Partial<Pick<OpNode, 'parameter' | 'layer'>>

/** The calls that `emit` returns. @throws what it throws, with the op and its layer in front of the message */
function emittedBy(node: Labelled, emit: () => KernelCall[]): KernelCall[] {
  try {
    return emit()
  } catch (error) {
    throw placed(placeOf({ op: node.op, layer: layerOf(node) }), error)
  }
}

/**
 * The layer in which a node was added, or else the layer of its weights. The node may read the weights in another form,
 * such as packed, which an earlier node computed.
 */
export function layerOf({ layer, parameter, mutates, inputs }: Omit<Labelled, 'op'>): string | undefined {
  if (layer !== undefined) return layer
  const behind = inputs.flatMap(({ layout, node }) => (layout === 'flat' && node ? node.inputs : []))
  const variable = parameter ?? [...mutates, ...inputs, ...behind].find(({ role }) => role === 'variable')
  return variable?.name.replace(/\.[^.]*$/, '')
}
