import type { Specialisation } from '../gpu/shader.js'
import type { DeviceTraits } from '../gpu/traits.js'
import type { Gradients, Inputs, KernelCall } from './node.js'
import { op } from './op.js'
import { requireValue, volumeShape, type Value } from './value.js'
import { elementRange, elementSlabs, whole, type Slab } from './window.js'

/**
 * A kernel over elements that ignores their position in the volume. When it works on vec4s, it may compute up to three
 * elements beyond the end.
 */
export interface ElementwiseKernel extends Specialisation {
  /** Fields of the shader's `struct Params` other than `first` and `count`. Default: none. */
  readonly params?: Readonly<Record<string, number>>
  /** Bindings of equal size; each dispatch binds a range of their elements. */
  readonly values: Readonly<Record<string, Value>>
  /** Values bound whole. Default: none. */
  readonly flats?: Readonly<Record<string, Value>> | undefined
}

/** An op whose output is computed element by element, by one kernel. */
export interface ElementwiseOp<I extends Inputs> extends Omit<ElementwiseKernel, 'values'> {
  /** Name of the op, for messages and times. */
  readonly name: string
  /** Inputs of equal size, by the names of their bindings. `flats` are inputs too, but get no gradient. */
  readonly inputs: I
  /** Name of the binding that is written. Default `output`. */
  readonly result?: string
  /** The value whose shape the output has. Default: the first of the inputs. */
  readonly like?: Value
  /** Whether the output is always stored as f32. Default: true if one of the inputs is. */
  readonly wide?: boolean | undefined
  /** Gradients of the inputs, given that of the output. Default: the op has none. */
  readonly backward?: (gradOutput: Value, output: Value) => Gradients<NoInfer<I>>
}

/** Applies an element-wise op: `op` with a kernel that `elementwise` dispatches. @throws Error if an input is not a `Value` */
export function elementwiseOp<const I extends Readonly<Record<string, Value>>>({
  name,
  inputs,
  flats,
  result = 'output',
  like = Object.values(inputs)[0],
  wide,
  backward,
  ...kernel
}: ElementwiseOp<I>): Value {
  for (const [operand, value] of Object.entries(inputs)) requireValue(`${name}: ${operand}`, value)
  if (!like) throw new Error(`${name}: it has neither inputs nor \`like\``)
  const { shape, layout } = like
  return op({
    name,
    inputs: { ...inputs, ...flats },
    output: { shape, layout, wide },
    planes: elementwisePlanes(like),
    emit: (output, device, slab) =>
      elementwise({ ...kernel, values: { ...inputs, [result]: output }, flats }, device, slab),
    backward,
  })
}

/**
 * The dispatches of an element-wise kernel for some planes, or for everything if the values are not volumes. Adds
 * `first` and `count` to `params`: in vec4s with the flag VECTOR, otherwise in elements.
 */
export function elementwise(kernel: ElementwiseKernel, device: DeviceTraits, range: Slab): KernelCall[] {
  const { values, flats = {}, params, flags, ...specialisation } = kernel
  const { vector, ...elements } = elementRange(Object.values(values)[0]!, range)
  const step = vector ? 4 : 1
  return elementSlabs(elements, device).map(({ first, end }) => {
    const count = Math.ceil((end - first) / step)
    return {
      ...specialisation,
      flags: { ...flags, VECTOR: vector },
      params: { ...params, first: first / step, count },
      bindings: {
        ...Object.fromEntries(
          Object.entries(values).map(([name, value]) => [name, { value, start: first, end }]),
        ),
        ...Object.fromEntries(Object.entries(flats).map(([name, value]) => [name, whole(value)])),
      },
      threads: [count],
    }
  })
}

/** The number of planes by which element-wise work on a value like this one is cut. */
export function elementwisePlanes(value: Value): number {
  return value.layout === 'volume' ? volumeShape(value).planes : 1
}
