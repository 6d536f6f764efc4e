import type { KernelKey } from '../gpu/pipeline-cache.js'
import type { DeviceTraits } from '../gpu/traits.js'
import { currentLayer } from './layer.js'
import { Value, newId, type Shape, type ValueOptions } from './value.js'
import type { Slab, Window } from './window.js'

/**
 * Extents of a dispatch along x, y and z. If there are fewer than three, the last may exceed what a dispatch allows: it
 * is then folded over its own axis and the next (see `linear_index` in shaders/common/linear_index.wgsl).
 */
export type Extents =
  readonly [x: number] | readonly [x: number, y: number] | readonly [number, number, number]

/** How large a dispatch is: in threads, divided by the `@workgroup_size` of the shader, or in workgroups. */
export type DispatchSize =
  | {
      /** Threads along each axis, rounded up to whole workgroups. */
      readonly threads: Extents
      /** Computed from the threads. */
      readonly workgroups?: never
    }
  | {
      /** Workgroups along each axis, for kernels that count in workgroups. */
      readonly workgroups: Extents
      /** Computed from the workgroups. */
      readonly threads?: never
    }

/** One dispatch: a specialised shader, its parameters, and the window of a value behind each binding. */
export type KernelCall = Omit<KernelKey, 'half'> &
  DispatchSize & {
    /**
     * Fields of the shader's `struct Params`. The plan fills in the fields named `<binding>_base`: the element of the
     * value at which that binding starts.
     */
    readonly params: Readonly<Record<string, number>>
    /** The window behind each binding of the shader except `params`, by the binding's name. */
    readonly bindings: Readonly<Record<string, Window>>
  }

/** One application of an op. */
export interface OpNode<Outputs extends readonly Value[] = readonly Value[]> extends Hints {
  /** Position in the order of creation; unique among nodes and values. */
  readonly id: number
  /** Name of the op, for messages and timings. */
  readonly op: string
  /** The layer in which it was added (see `inLayer`); undefined outside of any. */
  readonly layer: string | undefined
  /** Values that it reads. */
  readonly inputs: readonly Value[]
  /** Values that it computes, in the order of its definition. */
  readonly outputs: Outputs
  /** Temporary values that only this node uses. */
  readonly scratch: readonly Value[]
  /** Variables that this node updates in place. */
  readonly mutates: readonly Value[]
  /** All of its dispatches, for whole inputs and outputs. */
  readonly emit: (device: DeviceTraits) => KernelCall[]
  /** How the work is cut along depth, if it can be. */
  readonly slices: Slices | undefined
  /** Gradients of the inputs, in order, given those of the outputs; undefined if the op has no gradient. */
  readonly backward: ((gradOutputs: readonly (Value | undefined)[]) => (Value | undefined)[]) | undefined
}

/**
 * How a node's work is cut along depth, so that it never needs its whole inputs or outputs at once. Planes may be
 * computed more than once, always with the same result.
 */
export interface Slices {
  /** Planes of the work, and of every volume among the outputs. */
  readonly planes: number
  /** Whether to keep planes that are needed again, rather than recompute them. */
  readonly costly: boolean
  /** The planes of an input that a slab of the work reads; undefined if the input is read whole. */
  readonly reads: (input: Value, slab: Slab) => Slab | undefined
  /** The dispatches that compute a slab. */
  readonly emit: (device: DeviceTraits, slab: Slab) => KernelCall[]
  /** The dispatches that run after all planes, to finish reductions. */
  readonly finish: (device: DeviceTraits) => KernelCall[]
}

/** Values by the names that an op gives them; entries without a value are skipped. */
export type Inputs = Readonly<Record<string, Value | undefined>>

/** Gradients by the input's name; inputs without a gradient are left out. */
export type Gradients<I extends Inputs> = { readonly [Name in keyof I]?: Value | undefined }

/** A value that an op computes. */
export interface OutputSpec extends Pick<ValueOptions, 'dtype' | 'layout'> {
  /** For messages. Default: the name of the op. */
  readonly name?: string
  /** Extents, slowest axis first; [N,C,D,H,W] for a volume. */
  readonly shape: Shape
  /** Whether it is always stored as f32. Default: true if one of the inputs is. */
  readonly wide?: boolean | undefined
  /** True for a partial result, such as partial sums: `backward` then receives the gradient of the complete result. */
  readonly partial?: boolean | undefined
}

/** The dispatches that compute an op's output (one value, or one for each `OutputSpec`). */
export interface Work<Output> {
  /**
   * Planes of the work, numbered n*D+z, and of every volume among the outputs. Default: the work is not cut along
   * depth, and `emit` computes all of it.
   */
  readonly planes?: number | undefined
  /** Whether to keep planes that are needed again, rather than recompute them. Default false. */
  readonly costly?: boolean | undefined
  /** The planes of an input that `slab` reads; undefined for all. Default: the same planes of a volume, else all. */
  readonly reads?: Slices['reads'] | undefined
  /** The dispatches that compute planes [first, end) of the output; [0, 1) if the work is not cut. */
  readonly emit: (output: Output, device: DeviceTraits, slab: Slab) => KernelCall[]
  /** The dispatches that run after all planes, to finish reductions. Default: none. */
  readonly finish?: ((output: Output, device: DeviceTraits) => KernelCall[]) | undefined
}

/** What an op may tell of itself besides its kernels, so that others save a pass or a message is clearer. All are optional. */
export interface Hints {
  /**
   * The parameter whose gradient it computes. The plan takes the layer's name from it, because a gradient often does
   * not read the parameter itself. Default: the first variable that it reads or updates.
   */
  readonly parameter?: Value | undefined
  /**
   * Returns the op's only output, but 0 wherever `mask` is 0. Give it if the kernel can apply the mask while it stores.
   * The gradient of a ReLU then needs no pass of its own, and the output without the mask is never computed.
   */
  readonly masked?: ((mask: Value) => Value) | undefined
  /**
   * Returns the output before the activation, as a new value. Give it if the kernel applies one: `checkFinite` looks at
   * this value, because an activation may hide a NaN.
   */
  readonly withoutActivation?: (() => Value) | undefined
  /**
   * Returns the argmax of the op's only output, without that output. Give it if the kernel can choose among channels while it
   * holds all of them.
   */
  readonly argmaxed?: ((choice: Choice) => Value) | undefined
  /** What the op's only output is a multiple of. A kernel that reads the output can then multiply itself, which saves a pass. */
  readonly scaled?: Scaled | undefined
}

/** What ops with one output and with several have in common. */
export interface CommonSpec<I extends Inputs> extends Hints {
  /** Name of the op, for messages and timings. */
  readonly name: string
  /** Values that it reads. */
  readonly inputs: I
  /** Temporary values that only this node uses (see `scratch`). Default: none. */
  readonly scratch?: readonly Value[] | undefined
}

/** A value times a scalar. */
export interface Scaled {
  /** What is multiplied. */
  readonly value: Value
  /** A scalar. */
  readonly by: Value
}

/** How the largest channel is chosen; see `argmax`. */
export interface Choice {
  /** Rules out channels. */
  readonly prior: Value | undefined
  /** If it is above 0, log(prior + least) is added to the channels first. */
  readonly least: number
  /**
   * The lines of the kernel that choose: they store the class at each of `x` voxels, given the results of every channel in
   * elements along x.
   */
  readonly unroll: (
    results: readonly (readonly string[])[],
    tile: { readonly x: number; readonly channels: number; readonly vector: boolean },
  ) => string[]
}

/** One value for each output of a node. */
export type Outputs<O extends readonly OutputSpec[]> = { readonly [K in keyof O]: Value }

/** The description of a node for `defineNode`. */
export interface NodeSpec<I extends Inputs, O extends readonly OutputSpec[]>
  extends CommonSpec<I>, Work<Outputs<O>> {
  /** Values that it computes. Default: none. */
  readonly outputs?: O
  /** Variables that it updates in place; pass such a node to `compile` among the `effects`. Default: none. */
  readonly mutates?: readonly Value[]
  /**
   * Gradients of the inputs, given those of the outputs, of which at least one is defined.
   * Default: the op has no gradient, and `gradients` throws if one would flow through it.
   */
  readonly backward?:
    | ((
        gradOutputs: { readonly [K in keyof O]: Value | undefined },
        outputs: Outputs<O>,
      ) => Gradients<NoInfer<I>>)
    | undefined
}

/**
 * Adds a node with any number of outputs to the graph that its inputs belong to. For one output, use `op`.
 *
 * @throws Error in `gradients`, if `backward` names a gradient that belongs to no input
 */
export function defineNode<const I extends Inputs, const O extends readonly OutputSpec[] = []>(
  spec: NodeSpec<I, O>,
): OpNode<Outputs<O>> {
  const {
    name,
    inputs,
    outputs: specs = [],
    scratch = [],
    mutates = [],
    planes,
    costly = false,
    reads,
    emit,
    finish,
    backward,
    ...hints
  } = spec
  const values: Value[] = []
  const outputs = values as readonly Value[] as Outputs<O>
  const slices: Slices = {
    planes: planes ?? 1,
    costly,
    reads: reads ?? ((input, slab) => (input.layout === 'volume' ? slab : undefined)),
    emit: (device, slab) => emit(outputs, device, slab),
    finish: (device) => finish?.(outputs, device) ?? [],
  }
  const node: OpNode<Outputs<O>> = {
    ...hints,
    id: newId(),
    op: name,
    layer: currentLayer(),
    inputs: present(inputs),
    outputs,
    scratch,
    mutates,
    emit: (device) => [...slices.emit(device, { first: 0, end: slices.planes }), ...slices.finish(device)],
    slices: planes === undefined ? undefined : slices,
    backward:
      backward &&
      ((gradOutputs) =>
        matched(name, backward(gradOutputs as Parameters<typeof backward>[0], outputs), inputs)),
  }
  const isWide = node.inputs.some(({ wide }) => wide)
  // No other properties: a spec may be a value, whose contents are not those of the output.
  for (const { name: ownName, shape, dtype, layout, partial, wide = isWide } of specs) {
    values.push(new Value(ownName ?? name, shape, 'computed', { dtype, layout, partial, wide, node }))
  }
  return node
}

/** The inputs that there are, in order. */
export function present(inputs: Inputs): Value[] {
  return Object.values(inputs).filter((value) => !!value)
}

/**
 * The gradients of the inputs that there are, in their order.
 *
 * @throws Error naming `op` if a gradient belongs to no input
 */
export function matched(op: string, gradients: Inputs, inputs: Inputs): (Value | undefined)[] {
  for (const name of Object.keys(gradients)) {
    if (!(name in inputs))
      throw new Error(`${op}: a gradient of ${name}, but its inputs are ${Object.keys(inputs).join(', ')}`)
  }
  return Object.entries(inputs).flatMap(([name, value]) => (value ? [gradients[name]] : []))
}

/** A temporary value of one node; flat unless the shape is a volume's. */
export function scratch(name: string, shape: Shape): Value {
  return new Value(name, shape, 'computed')
}
