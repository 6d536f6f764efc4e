import { requireContents, volumeShape, type Value } from './value.js'

/**
 * Converts contents from the caller's order (volumes: NCDHW) to memory order ([N,D,C,H,W]); copies only if needed.
 *
 * @throws Error naming the value if there are too few or too many numbers, or of another type
 */
export function toMemoryOrder<T extends Float32Array | Uint32Array>(value: Value, data: T): T {
  return reorder(value, data, true)
}

/** The inverse of `toMemoryOrder`. */
export function toCallerOrder<T extends Float32Array | Uint32Array>(value: Value, data: T): T {
  return reorder(value, data, false)
}

function reorder<T extends Float32Array | Uint32Array>(value: Value, data: T, toMemory: boolean): T {
  requireContents(value, data)
  if (value.layout !== 'volume') return data
  const { batch, channels, depth, area } = volumeShape(value)
  if (channels === 1 || depth === 1) return data
  const result = data.slice() as T
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      for (let z = 0; z < depth; z++) {
        const outside = ((n * channels + c) * depth + z) * area
        const inMemory = ((n * depth + z) * channels + c) * area
        const [from, to] = toMemory ? [outside, inMemory] : [inMemory, outside]
        result.set(data.subarray(from, from + area), to)
      }
    }
  }
  return result
}
