import { kindOf } from '../gpu/require-gpu.js'
import { requireValue, type Value } from './value.js'

/** Requires a list of `Value`s. @param what starts the message */
export function requireValues(what: string, values: unknown): asserts values is readonly Value[] {
  if (!Array.isArray(values)) throw new Error(`${what}: a list of values is needed, not ${kindOf(values)}`)
  values.forEach((value: unknown, i) => {
    requireValue(`${what}[${i}]`, value)
  })
}
