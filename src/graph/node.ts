import type { KernelKey } from '../gpu/pipeline-cache.js'
import type { DeviceTraits } from '../gpu/traits.js'
import { currentLayer } from './layer.js'
import { Value, newId, type Shape, type ValueOptions } from './value.js'
import type { Slab, Window } from './window.js'

/**
 * Extents of a dispatch along x, y and z. The last of fewer than three may be longer than a dispatch allows: it is
 * folded over its own axis and the next (see `linear_index` of shaders/common/linear.wgsl).
 */
export type Extents =
  readonly [x: number] | readonly [x: number, y: number] | readonly [number, number, number]

/** How large a dispatch is: in threads, divided by the `@workgroup_size` of the shader, or in workgroups. */
export type DispatchSize =
  | {
      /** Threads along each axis, rounded up to whole workgroups. */
      readonly threads: Extents
      /** Follow from the threads. */
      readonly workgroups?: never
    }
  | {
      /** Workgroups along each axis, for kernels that work by them. */
      readonly workgroups: Extents
      /** Follow from the workgroups. */
      readonly threads?: never
    }

/** One dispatch: a specialised shader, its parameters, and the window of a value behind each binding. */
export type KernelCall = Omit<KernelKey, 'half'> &
  DispatchSize & {
    /**
     * Fields of the shader's `struct Params`. Fields named `<binding>_base` are filled in by the plan: the element
     * of the value at which that binding starts.
     */
    readonly params: Readonly<Record<string, number>>
    /** What each binding of the shader shows, by the binding's name; all but `params`. */
    readonly bindings: Readonly<Record<string, Window>>
  }

/** One application of an op. */
export interface OpNode<Outputs extends readonly Value[] = readonly Value[]> {
  /** Position in the order of creation, in one count with values; unique. */
  readonly id: number
  /** Name of the op, for messages and times. */
  readonly op: string
  /** The layer that it was added in (see `inLayer`); undefined outside of any. */
  readonly layer: string | undefined
  /** Values that its kernels read. */
  readonly inputs: readonly Value[]
  /** Values that it computes, in the order of its definition. */
  readonly outputs: Outputs
  /** Values that only this node uses, while it runs. */
  readonly scratch: readonly Value[]
  /** Variables that this node updates in place. */
  readonly mutates: readonly Value[]
  /** All of its dispatches, for whole inputs and outputs. */
  readonly emit: (device: DeviceTraits) => KernelCall[]
  /** How the work is cut along depth, if it can be. */
  readonly slices: Slices | undefined
  /** Gradients of the inputs, in their order, given those of the outputs; undefined if none flows. */
  readonly backward: ((gradOutputs: readonly (Value | undefined)[]) => (Value | undefined)[]) | undefined
  /** See `CommonSpec`. */
  readonly parameter: Value | undefined
  /** See `CommonSpec`. */
  readonly masked: ((mask: Value) => Value) | undefined
  /** See `NodeSpec`. */
  readonly withoutActivation: (() => Value) | undefined
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

/** Values by the names that an op gives them; entries without a value are skipped. */
export type Inputs = Readonly<Record<string, Value | undefined>>

/** A gradient for each input that one flows into, by the input's name. */
export type Gradients<I extends Inputs> = { readonly [Name in keyof I]?: Value | undefined }

/** A value that an op computes. */
export interface OutputSpec extends Pick<ValueOptions, 'dtype' | 'layout'> {
  /** For messages. Default: the name of the op. */
  readonly name?: string
  /** Extents, slowest axis first; [N,C,D,H,W] for a volume. */
  readonly shape: Shape
  /** Whether it is always stored as f32. Default: if one of the inputs is. */
  readonly wide?: boolean | undefined
  /** True for a partial result that gradients skip: `backward` is given the gradient of what is made of it. */
  readonly partial?: boolean | undefined
}

/** What an op dispatches to compute its output (one value, or one for each `OutputSpec`). */
export interface Work<Output> {
  /**
   * Planes of the work, numbered n*D+z, and of every volume among the outputs. Default: the work is not cut along
   * depth, and `emit` computes all of it.
   */
  readonly planes?: number | undefined
  /** Whether planes that are needed again are better kept than computed again. Default false. */
  readonly costly?: boolean | undefined
  /** The planes of an input that `slab` reads; undefined for all of it. Default: the same of volumes, else all. */
  readonly reads?: Slices['reads'] | undefined
  /** The dispatches that compute planes [first, last) of the output; [0, 1) if the work is not cut. */
  readonly emit: (output: Output, device: DeviceTraits, slab: Slab) => KernelCall[]
  /** The dispatches that follow once all planes are done: the ends of reductions. Default: none. */
  readonly finish?: ((output: Output, device: DeviceTraits) => KernelCall[]) | undefined
}

/** What an op with one output and one with several have in common. */
export interface CommonSpec<I extends Inputs> {
  /** Name of the op, for messages and times. */
  readonly name: string
  /** Values that its kernels read. */
  readonly inputs: I
  /** Values that only this node uses, while it runs (see `scratch`). Default: none. */
  readonly scratch?: readonly Value[] | undefined
  /**
   * The parameter whose gradient it computes, by which a plan names the layer: a gradient often does not read the
   * parameter itself. Default: the first variable that it reads or updates.
   */
  readonly parameter?: Value | undefined
  /**
   * If a kernel of the op can do so as it stores its only output: the same output, but 0 wherever `mask` is 0. The
   * gradient of a ReLU asks for it instead of a pass of its own; the output without a mask is then read by nobody and
   * never computed.
   */
  readonly masked?: ((mask: Value) => Value) | undefined
  /**
   * If a kernel of the op applies an activation to what it computes: the same output without it, as a new value.
   * `checkFinite` looks at it, since an activation may hide a NaN.
   */
  readonly withoutActivation?: (() => Value) | undefined
}

/** One value for each output of a node. */
export type Outputs<O extends readonly OutputSpec[]> = { readonly [K in keyof O]: Value }

/** What `defineNode` makes a node of. */
export interface NodeSpec<I extends Inputs, O extends readonly OutputSpec[]>
  extends CommonSpec<I>, Work<Outputs<O>> {
  /** Values that it computes. Default: none. */
  readonly outputs?: O
  /** Variables that it updates in place; it belongs among the effects of `compile` then. Default: none. */
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
 * Adds a node with any number of outputs to the graph that its inputs belong to. `op` is for those with one.
 *
 * @throws Error in `gradients`, if `backward` names a gradient that belongs to no input
 */
export function defineNode<const I extends Inputs, const O extends readonly OutputSpec[] = []>(
  spec: NodeSpec<I, O>,
): OpNode<Outputs<O>> {
  const { name, scratch = [], mutates = [], parameter, masked, withoutActivation, backward } = spec
  const inputs = Object.entries(spec.inputs).filter((entry): entry is [string, Value] => !!entry[1])
  const values: Value[] = []
  const outputs = values as readonly Value[] as Outputs<O>
  const slices = slicesOf(spec, outputs)
  const node: OpNode<Outputs<O>> = {
    id: newId(),
    op: name,
    layer: currentLayer(),
    inputs: inputs.map(([, value]) => value),
    outputs,
    scratch,
    mutates,
    emit: (device) => [...slices.emit(device, { first: 0, last: slices.planes }), ...slices.finish(device)],
    slices: spec.planes === undefined ? undefined : slices,
    backward:
      backward &&
      ((gradOutputs) => {
        const gradients = backward(gradOutputs as Parameters<typeof backward>[0], outputs)
        requireInputs(name, gradients, spec.inputs)
        return inputs.map(([input]) => gradients[input])
      }),
    parameter,
    masked,
    withoutActivation,
  }
  const isWide = node.inputs.some(({ wide }) => wide)
  for (const { name: ownName, shape, wide = isWide, ...options } of spec.outputs ?? []) {
    values.push(new Value(ownName ?? name, shape, 'computed', { ...options, wide, node }))
  }
  return node
}

function slicesOf<Output>(
  { planes = 1, costly = false, reads, emit, finish }: Work<Output>,
  output: Output,
): Slices {
  return {
    planes,
    costly,
    reads: reads ?? ((input, slab) => (input.layout === 'volume' ? slab : undefined)),
    emit: (device, slab) => emit(output, device, slab),
    finish: (device) => finish?.(output, device) ?? [],
  }
}

function requireInputs(op: string, gradients: Inputs, inputs: Inputs): void {
  for (const name of Object.keys(gradients)) {
    if (!(name in inputs))
      throw new Error(`${op}: a gradient of ${name}, but its inputs are ${Object.keys(inputs).join(', ')}`)
  }
}

/** A value that one node uses while it runs, flat unless the shape is a volume. */
export function scratch(name: string, shape: Shape): Value {
  return new Value(name, shape, 'computed')
}
