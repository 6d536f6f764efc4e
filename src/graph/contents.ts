import { kindOf } from '../gpu/require-gpu.js'
import { requireType, Value } from './value.js'

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

/** Requires a list of `Value`s. @param what starts the message */
export function requireValues(what: string, values: unknown): asserts values is readonly Value[] {
  if (!Array.isArray(values)) throw new Error(`${what}: a list of values is needed, not ${kindOf(values)}`)
  values.forEach((value: unknown, i) => {
    if (!(value instanceof Value)) throw new Error(`${what}[${i}]: a Value is needed, not ${kindOf(value)}`)
  })
}
