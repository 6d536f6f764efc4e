import type { KernelKey } from '../gpu/pipeline-cache.js'
import type { DeviceTraits } from '../gpu/traits.js'
import { Value, newId, type Shape, type ValueOptions } from './value.js'
import type { Slab, Window } from './window.js'

/** One dispatch: a specialised shader, its parameters, and the window of a value behind each binding. */
export interface KernelCall extends KernelKey {
  /**
   * Fields of the shader's `struct Params`. Fields named `<binding>_base` are filled in by the plan: the element
   * of the value at which that binding starts.
   */
  readonly params: Readonly<Record<string, number>>
  /** What each binding of the shader shows, by the binding's name; all but `params`. */
  readonly bindings: Readonly<Record<string, Window>>
  /** Workgroups along x, y and z, each at most `maxWorkgroups` (65535). */
  readonly workgroups: readonly [number, number, number]
}

/** One application of an op. */
export interface OpNode {
  /** Position in the order of creation, in one count with values; unique. */
  readonly id: number
  /** Name of the op, for messages and times. */
  readonly op: string
  /** Values that its kernels read. */
  readonly inputs: readonly Value[]
  /** Values that it computes, in the order of its definition. */
  readonly outputs: readonly Value[]
  /** Values that only this node uses, while it runs. */
  readonly scratch: readonly Value[]
  /** Variables that this node updates in place. */
  readonly mutates: readonly Value[]
  /** All of its dispatches, for whole inputs and outputs. */
  readonly emit: (device: DeviceTraits) => KernelCall[]
  /** How the work is cut along depth, where that is possible. */
  readonly slices: Slices | undefined
  /** Gradients of the inputs, in their order, given those of the outputs; undefined where none flows. */
  readonly backward: ((gradOutputs: readonly (Value | undefined)[]) => (Value | undefined)[]) | undefined
}

/**
 * How a node's work is cut along depth, so that it needs neither whole inputs nor whole outputs at a time. Planes may
 * be computed more than once, always with the same result.
 */
export interface Slices {
  /** Planes of the work, and of every volume among the outputs. */
  readonly planes: number
  /** Whether planes that are needed again are better kept than computed again. */
  readonly costly: boolean
  /** The planes of an input that some planes of the work read; undefined for an input that is read whole. */
  readonly reads: (input: Value, slab: Slab) => Slab | undefined
  /** The dispatches of some planes. */
  readonly emit: (device: DeviceTraits, slab: Slab) => KernelCall[]
  /** The dispatches that follow once all planes are done: the ends of reductions. */
  readonly finish: (device: DeviceTraits) => KernelCall[]
}

/** What an op says of `Slices`. */
export interface SlicesSpec {
  /** Planes of the work, numbered n*D+z, and of every volume among the outputs. */
  readonly planes: number
  /** Whether planes that are needed again are better kept than computed again. Default false. */
  readonly costly?: boolean
  /** Default: of volumes the same planes, everything else whole. */
  readonly reads?: Slices['reads']
  /** The dispatches that compute some planes of `outputs`, the values of the node's own outputs. */
  readonly emit: (outputs: readonly Value[], device: DeviceTraits, slab: Slab) => KernelCall[]
  /** The dispatches that follow once all planes are done: the ends of reductions. Default: none. */
  readonly finish?: (outputs: readonly Value[], device: DeviceTraits) => KernelCall[]
}

/** What `defineNode` makes a node of. */
export interface NodeSpec {
  /** Name of the op, for messages and times. */
  readonly op: string
  /** Values that its kernels read. */
  readonly inputs: readonly Value[]
  /** Values that it computes. Default: none. */
  readonly outputs?: readonly ({
    /** For messages. Default: the name of the op. */
    readonly name?: string
    /** Extents, slowest axis first; [N,C,D,H,W] for a volume. */
    readonly shape: Shape
  } & Pick<ValueOptions, 'dtype' | 'layout' | 'wide'>)[]
  /** Values that only this node uses, while it runs (see `scratch`). Default: none. */
  readonly scratch?: readonly Value[]
  /** Variables that it updates in place; it belongs among the effects of `compile` then. Default: none. */
  readonly mutates?: readonly Value[]
  /** Returns the dispatches, `outputs` being the values of `outputs` above; or the same plane by plane. */
  readonly emit: ((outputs: readonly Value[], device: DeviceTraits) => KernelCall[]) | SlicesSpec
  /**
   * Gradients of the inputs, in their order, given those of the outputs; undefined in either list where none flows.
   * Default: the op has no gradient, and `gradients` throws where one would flow through it.
   */
  readonly backward?: (
    gradOutputs: readonly (Value | undefined)[],
    outputs: readonly Value[],
  ) => (Value | undefined)[]
}

/** Adds a node to the graph that its inputs belong to. */
export function defineNode(spec: NodeSpec): OpNode {
  const outputs: Value[] = []
  const { backward, emit } = spec
  const slices = typeof emit === 'function' ? undefined : slicesOf(emit, outputs)
  const node: OpNode = {
    id: newId(),
    op: spec.op,
    inputs: spec.inputs,
    outputs,
    scratch: spec.scratch ?? [],
    mutates: spec.mutates ?? [],
    emit: slices
      ? (device) => [...slices.emit(device, { first: 0, last: slices.planes }), ...slices.finish(device)]
      : (device) => (emit as Extract<typeof emit, (...args: never) => unknown>)(outputs, device),
    slices,
    backward: backward && ((gradOutputs) => backward(gradOutputs, outputs)),
  }
  const wide = spec.inputs.some((value) => value.wide)
  for (const { name, shape, ...options } of spec.outputs ?? []) {
    outputs.push(new Value(name ?? spec.op, shape, 'computed', { wide, ...options, node }))
  }
  return node
}

function slicesOf(
  { planes, costly = false, reads, emit, finish }: SlicesSpec,
  outputs: readonly Value[],
): Slices {
  return {
    planes,
    costly,
    reads: reads ?? ((input, slab) => (input.layout === 'volume' ? slab : undefined)),
    emit: (device, slab) => emit(outputs, device, slab),
    finish: (device) => finish?.(outputs, device) ?? [],
  }
}

/** A node's output where it has exactly one. */
export function only(node: OpNode): Value {
  if (node.outputs.length !== 1) throw new Error(`${node.op} has ${node.outputs.length} outputs, not one`)
  return node.outputs[0]!
}

/** A value that one node uses while it runs, flat unless the shape is a volume. */
export function scratch(name: string, shape: Shape): Value {
  return new Value(name, shape, 'computed')
}
