import * as shaders from '../generated/shaders.js'
import type { DeviceTraits } from '../gpu/traits.js'
import { placed, placeOf } from '../graph/layer.js'
import type { KernelCall, OpNode } from '../graph/node.js'
import type { Value } from '../graph/value.js'
import { slabs, type Slab } from '../graph/window.js'
import type { Schedule } from './schedule.js'
import { planeSize, type Sweep, type SweepSlab } from './sweep.js'

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

/** The kernel calls of a schedule, in their order. */
export function callsOf({ nodes, sweeps, stored }: Schedule, device: DeviceTraits): ScheduledCall[] {
  const label = (
    node: Labelled,
    emit: () => KernelCall[],
    origins: ReadonlyMap<Value, number> = new Map(),
    slab?: Slab,
  ) =>
    emittedBy(node, emit).map((call) => ({
      ...call,
      half: stored.halvesOf(call),
      op: node.op,
      layer: layerOf(node),
      slab,
      mutates: node.mutates.length > 0,
      origins,
    }))
  const emitted = (node: OpNode) => label(node, () => node.emit(device))
  const swept = (sweep: Sweep) => [
    ...sweep.slabs.flatMap(({ ranges, held }, i) => {
      const origins = originsOf(held)
      const before = sweep.slabs[i - 1]?.held ?? new Map<Value, Slab>()
      return [
        ...[...sweep.sliding].flatMap((value) =>
          label(
            slide,
            () => slideCalls(value, before.get(value), held.get(value), device),
            originsOf(before),
          ),
        ),
        ...[...ranges].flatMap(([node, slab]) =>
          label(node, () => node.slices!.emit(device, slab), origins, slab),
        ),
      ]
    }),
    ...sweep.nodes.flatMap((node) => label(node, () => node.slices!.finish(device))),
  ]
  const starts = new Map(sweeps.map((sweep) => [sweep.nodes[0], sweep]))
  const members = new Set(sweeps.flatMap((sweep) => sweep.nodes))
  return nodes.flatMap((node) => {
    const sweep = starts.get(node)
    if (sweep) return swept(sweep)
    return members.has(node) ? [] : emitted(node)
  })
}

/** The parts of a node that its calls are named after. */
type Labelled = Pick<OpNode, 'op' | 'mutates' | 'inputs'> & Partial<Pick<OpNode, 'parameter' | 'layer'>>

const slide: Labelled = { op: 'slide', mutates: [], inputs: [] }

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

/** The first element of each strip. */
function originsOf(held: SweepSlab['held']): ReadonlyMap<Value, number> {
  return new Map([...held].map(([value, { first }]) => [value, first * planeSize(value)]))
}

/** Moves the planes to keep to the front of a sliding strip, piece by piece, because source and target may overlap. */
function slideCalls(
  value: Value,
  before: Slab | undefined,
  after: Slab | undefined,
  device: DeviceTraits,
): KernelCall[] {
  if (!before || !after || after.first === before.first) return []
  const by = after.first - before.first
  const size = planeSize(value)
  const window = (first: number, end: number) => ({ value, start: first * size, end: end * size })
  const vector = size % 4 === 0
  const step = vector ? 4 : 1
  const calls: KernelCall[] = []
  // One plane less than the distance, so that the aligned windows of source and target do not touch.
  for (let first = before.first; first + by < before.end; first += by - 1) {
    const end = Math.min(first + by - 1, before.end - by)
    for (const slab of slabs({ first, end }, device, (part) => [window(part.first, part.end)])) {
      const count = ((slab.end - slab.first) * size) / step
      calls.push({
        shader: shaders.elementwiseMove,
        flags: { VECTOR: vector },
        params: { first: (slab.first * size) / step, by: (by * size) / step, count },
        bindings: {
          source: window(slab.first + by, slab.end + by),
          output: window(slab.first, slab.end),
        },
        threads: [count],
      })
    }
  }
  return calls
}
