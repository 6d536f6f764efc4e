import { volumeShape, type Value } from './value.js'

/** Converts contents from the caller's order (volumes: NCDHW) to memory order ([N,D,C,H,W]); copies only if needed. */
export function toMemoryOrder<T extends Float32Array | Uint32Array>(value: Value, data: T): T {
  return reorder(value, data, (from, to, result, area) => {
    result.set(data.subarray(from * area, (from + 1) * area), to * area)
  })
}

/** The inverse of `toMemoryOrder`. */
export function toCallerOrder<T extends Float32Array | Uint32Array>(value: Value, data: T): T {
  return reorder(value, data, (to, from, result, area) => {
    result.set(data.subarray(from * area, (from + 1) * area), to * area)
  })
}

function reorder<T extends Float32Array | Uint32Array>(
  value: Value,
  data: T,
  copyRow: (outside: number, inMemory: number, result: T, area: number) => void,
): T {
  if (value.layout !== 'volume') return data
  const { batch, channels, depth, area } = volumeShape(value)
  if (channels === 1 || depth === 1) return data
  const result = data.slice() as T
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      for (let z = 0; z < depth; z++) {
        copyRow((n * channels + c) * depth + z, (n * depth + z) * channels + c, result, area)
      }
    }
  }
  return result
}
