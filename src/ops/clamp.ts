import type { Value } from '../graph/value.js'
import { apply } from './activation.js'
import { isWideNumber } from './shared/broadcast.js'

/**
 * Numbers below `min` become min, those above `max` max; as `torch.clamp`. NaN stays. If min is above max, all become
 * max. The gradient is passed on where min <= x <= max, and 0 elsewhere. For limits that are values, see `minimum` and
 * `maximum`.
 *
 * @param min default: none
 * @param max default: none
 * @throws Error if a limit is NaN
 */
export function clamp(input: Value, min = -Infinity, max = Infinity): Value {
  if (Number.isNaN(min) || Number.isNaN(max)) throw new Error(`clamp: the limits are ${min} and ${max}`)
  const wide = [min, max].some((limit) => Number.isFinite(limit) && isWideNumber(limit)) || undefined
  return apply('clamp', input, { alpha: min, beta: max, wide })
}
