import type { Specialisation } from '../gpu/shader.js'
import type { KernelCall } from './node.js'
import type { DeviceTraits } from '../gpu/traits.js'
import { volumeShape, type Value } from './value.js'
import { elementRange, elementSlabs, linearGroups, whole, type Slab } from './window.js'

/** A kernel over elements that does not care where they lie; of vec4s it may compute up to three beyond the end. */
export interface ElementwiseKernel extends Specialisation {
  /** Fields of the shader's `struct Params` beside `first` and `count`. Default: none. */
  readonly params?: Readonly<Record<string, number>>
  /** Bindings of equal size, of which ranges of elements are shown. */
  readonly values: Readonly<Record<string, Value>>
  /** Bindings shown whole. Default: none. */
  readonly flats?: Readonly<Record<string, Value>>
}

/**
 * The dispatches of an element-wise kernel for some planes, or for all of values that are no volumes. `params` gets
 * `first` and `count` added, in vec4s with the flag VECTOR, else in numbers.
 */
export function elementwise(kernel: ElementwiseKernel, device: DeviceTraits, range: Slab): KernelCall[] {
  const { values, flats = {}, params, flags, ...specialisation } = kernel
  const { vector, ...elements } = elementRange(Object.values(values)[0]!, range)
  const step = vector ? 4 : 1
  return elementSlabs(elements, device).map(({ first, last }) => {
    const count = Math.ceil((last - first) / step)
    return {
      ...specialisation,
      flags: { ...flags, VECTOR: vector },
      params: { ...params, first: first / step, count },
      bindings: {
        ...Object.fromEntries(
          Object.entries(values).map(([name, value]) => [name, { value, start: first, end: last }]),
        ),
        ...Object.fromEntries(Object.entries(flats).map(([name, value]) => [name, whole(value)])),
      },
      workgroups: linearGroups(count),
    }
  })
}

/** How element-wise work on values like this one is cut. */
export function elementwisePlanes(value: Value): number {
  return value.layout === 'volume' ? volumeShape(value).planes : 1
}
