import { kindOf } from '../gpu/require-gpu.js'
// A circular import, but of types only: a value knows the node that computes it, and a node its inputs and outputs.
import type { OpNode } from './node.js'

/** Extents of a tensor, slowest axis first; those of a volume are [N,C,D,H,W]. */
export type Shape = readonly number[]
/** Type of a tensor's elements: 32-bit floats, or unsigned integers for labels and counters. */
export type DType = 'f32' | 'u32'

/**
 * How a value lies in memory.
 * - `volume`: shape [N,C,D,H,W], stored [N,D,C,H,W] so that a slab of planes is one contiguous window;
 * - `flat`: any shape, stored row-major as it is (weights, tables, scalars).
 */
export type Layout = 'volume' | 'flat'

/**
 * Where a value comes from: written by the caller, kept across plans (parameters, optimiser state), fixed when the
 * graph is built, or computed by a node.
 */
export type Role = 'input' | 'variable' | 'constant' | 'computed'

/** Options of a `Value`, besides its name, shape and role. */
export interface ValueOptions {
  /** Default `f32`. */
  readonly dtype?: DType | undefined
  /** Default: `volume` for shapes of five extents, `flat` for all others. */
  readonly layout?: Layout | undefined
  /**
   * Whether its numbers may lie outside the range of f16 (6e-5 at full precision, to 65504); it is then always stored
   * as f32. By default, the output of a node is wide if an input is. Default false.
   */
  readonly wide?: boolean
  /** True for a partial result, such as partial sums: its gradient is that of the complete result. Default false. */
  readonly partial?: boolean | undefined
  /** Initial contents of a variable (default: zeros), or the contents of a constant. */
  readonly initial?: Float32Array | Uint32Array
  /** The node that computes the value, if its role is `computed`. */
  readonly node?: OpNode
  /**
   * Contents of an input that depends only on the step (counted from 1), such as an optimiser's schedule or the counter
   * of a noise. Plans write it before each run, unless the program has written the input itself.
   */
  readonly feed?: ((step: number) => Float32Array | Uint32Array) | undefined
}

let nextId = 0

/** Creation order; a node's inputs always come before it, so sorting by id is a topological order. */
export function newId(): number {
  return nextId++
}

/** A tensor of a graph: its shape and origin, not its contents. */
export class Value {
  /** Position in the order of creation; unique. */
  readonly id = newId()
  /** Type of its elements. */
  readonly dtype: DType
  /** Its layout in memory. */
  readonly layout: Layout
  /** True if it is always stored as f32, because its numbers may lie outside the range of f16. */
  readonly wide: boolean
  /** Whether it is a partial result: its gradient may then have the shape of another value, the complete result. */
  readonly partial: boolean
  /** Initial contents of a variable, or the contents of a constant, in memory order. */
  readonly initial: Float32Array | Uint32Array | undefined
  /** The node that computes it; undefined unless its role is `computed`. */
  readonly node: OpNode | undefined
  /** See `ValueOptions`. */
  readonly feed: ((step: number) => Float32Array | Uint32Array) | undefined
  /** Number of elements. */
  readonly size: number
  private ownName: string

  constructor(
    name: string,
    /** Extents; those of a volume are [N,C,D,H,W]. */
    readonly shape: Shape,
    /** Where it comes from. */
    readonly role: Role,
    options: ValueOptions = {},
  ) {
    this.ownName = name
    this.feed = options.feed
    this.dtype = options.dtype ?? 'f32'
    this.layout = options.layout ?? (shape.length === 5 ? 'volume' : 'flat')
    this.wide = options.wide ?? false
    this.partial = options.partial ?? false
    this.initial = options.initial
    this.node = options.node
    this.size = shape.reduce((product, n) => product * n, 1)
    if (shape.some((n) => !Number.isInteger(n) || n < 1)) {
      throw new Error(`${name}: every extent must be a positive integer, not [${shape.join(', ')}]`)
    }
    if (this.size > 0xffffffff)
      throw new Error(`${name}: [${shape.join(', ')}] has more elements than 32 bits can count`)
    if ('initial' in options) requireContents(this, this.initial)
  }

  /** Name in messages and checkpoints; by default, a computed value has the name of its op. */
  get name(): string {
    return this.ownName
  }

  /**
   * Renames a computed value, for messages and `describe`.
   *
   * @returns the value itself
   * @throws Error if it is not computed: checkpoints find variables by their names
   */
  named(name: string): this {
    if (this.role !== 'computed')
      throw new Error(`${this.name}: a ${this.role} keeps the name it was made with`)
    this.ownName = name
    return this
  }

  /** Bytes at full precision. */
  get bytes(): number {
    return this.size * 4
  }

  /** Name, id, type and shape: `conv3d#17 f32[1,14,64,80,64]`. */
  toString(): string {
    return `${this.name}#${this.id} ${this.dtype}[${this.shape.join(',')}]`
  }
}

/**
 * A value that the caller writes before a run.
 *
 * @param shape positive integers; five extents are a volume [N,C,D,H,W] unless `layout` says otherwise
 * @throws Error if an extent is not a positive integer
 */
export function input(
  name: string,
  shape: Shape,
  options: Pick<ValueOptions, 'dtype' | 'layout' | 'feed'> = {},
): Value {
  return new Value(name, shape, 'input', options)
}

/**
 * A trainable value, stored flat. `Variables` keep it across plans.
 *
 * @param initial initial contents, row-major
 * @throws Error if `initial` does not fill the shape
 */
export function parameter(name: string, shape: Shape, initial: Float32Array): Value {
  return new Value(name, shape, 'variable', { layout: 'flat', initial })
}

/**
 * A value fixed when the graph is built, stored flat.
 *
 * @param initial contents, row-major; they determine the value's type
 * @throws Error if `initial` does not fill the shape
 */
export function constant(name: string, shape: Shape, initial: Float32Array | Uint32Array): Value {
  const dtype = initial instanceof Uint32Array ? 'u32' : 'f32'
  return new Value(name, shape, 'constant', { initial, dtype, layout: 'flat' })
}

/** The extents of a volume [N,C,D,H,W], and the products of them that its memory layout uses. */
export interface VolumeShape {
  /** N, the number of images. */
  readonly batch: number
  /** C, the channels of an image. */
  readonly channels: number
  /** D, the planes of an image; the slowest spatial axis. */
  readonly depth: number
  /** H, the rows of a plane. */
  readonly height: number
  /** W, the voxels of a row; the fastest axis. */
  readonly width: number
  /** N*D, the planes [C,H,W] of the batch: volumes are cut into windows of whole planes. */
  readonly planes: number
  /** H*W, the voxels of a plane. */
  readonly area: number
  /** N*D*H*W, the voxels of the batch. */
  readonly voxels: number
}

/**
 * @param op name of the op that takes the volume, for the message
 * @throws Error if the value is not a volume.
 */
export function volumeShape(value: Value, op?: string): VolumeShape {
  requireValue(op ?? 'a volume', value)
  if (value.layout !== 'volume' || value.shape.length !== 5) {
    const flat = value.shape.length === 5 ? ", which is stored flat (layout 'flat')" : ''
    throw new Error(
      `${op === undefined ? '' : `${op}: `}${value.name}: a volume [N,C,D,H,W] is needed, not [${value.shape.join(', ')}]${flat}`,
    )
  }
  const [batch, channels, depth, height, width] = value.shape as [number, number, number, number, number]
  const area = height * width
  return { batch, channels, depth, height, width, planes: batch * depth, area, voxels: batch * depth * area }
}

/** Requires a `Value`: a program in JavaScript may leave out an operand. @param what starts the message: op and operand */
export function requireValue(what: string, value: unknown): asserts value is Value {
  if (!(value instanceof Value)) throw new Error(`${what}: a Value is needed, not ${kindOf(value)}`)
}

/** Elements of a plane [C,H,W] of a volume. */
export function planeSize(value: Value): number {
  const { channels, area } = volumeShape(value)
  return channels * area
}

/** @throws Error naming both values if their shapes or layouts differ, or if one is not a `Value` */
export function requireSameShape(op: string, a: Value, b: Value): void {
  for (const value of [a, b]) requireValue(op, value)
  if (
    a.shape.length !== b.shape.length ||
    a.shape.some((n, i) => n !== b.shape[i]) ||
    a.layout !== b.layout
  ) {
    throw new Error(
      `${op}: ${a.name} [${a.shape.join(', ')}] and ${b.name} [${b.shape.join(', ')}] must have the same shape${a.layout === b.layout ? '' : `, and the same layout, not ${a.layout} and ${b.layout}`}`,
    )
  }
}

/** @throws Error naming the value if its elements have another type, or if it is not a `Value` */
export function requireType(value: Value, dtype: DType): void {
  requireValue(`a value of ${dtype}`, value)
  if (value.dtype !== dtype) throw new Error(`${value.name} holds ${value.dtype}, not ${dtype}`)
}

/**
 * Requires `data` to be valid contents of a value: as many numbers as it has elements, of its type.
 *
 * @throws Error naming the value and its shape
 */
export function requireContents(value: Value, data: unknown): asserts data is Float32Array | Uint32Array {
  // By name, because an array from another realm (a frame, a sandbox) is not an instance of our classes.
  const kind = Object.prototype.toString.call(data)
  if (kind !== '[object Float32Array]' && kind !== '[object Uint32Array]') {
    const wanted = value.dtype === 'u32' ? 'Uint32Array' : 'Float32Array'
    throw new Error(`${value.name} [${value.shape.join(', ')}]: a ${wanted} is needed, not ${kindOf(data)}`)
  }
  requireType(value, kind === '[object Uint32Array]' ? 'u32' : 'f32')
  const { length } = data as Float32Array
  if (length !== value.size)
    throw new Error(`${value.name}: ${length} numbers given for shape [${value.shape.join(', ')}]`)
}
