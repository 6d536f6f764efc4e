/** Runs tests as if the device were another one. Isomorphic: the browser tests bundle it. */
import type { Gpu } from '../src/gpu/gpu.js'

/**
 * Runs `body` as if the device bound at most `bytes` at once, so that small volumes are cut into many slabs.
 * The sum kernels need 16 KiB.
 */
export async function withBindingLimit<T>(gpu: Gpu, bytes: number, body: () => Promise<T>): Promise<T> {
  Object.defineProperty(gpu, 'bindingLimit', { value: bytes, configurable: true })
  try {
    return await body()
  } finally {
    Reflect.deleteProperty(gpu, 'bindingLimit')
  }
}

/** Runs `body` as if the device had no subgroups. */
export async function withoutSubgroups<T>(gpu: Gpu, body: () => Promise<T>): Promise<T> {
  Object.defineProperty(gpu, 'subgroupSize', { value: 0, configurable: true })
  try {
    return await body()
  } finally {
    Reflect.deleteProperty(gpu, 'subgroupSize')
  }
}

/** Runs `body` as if a driver of the CPU were hardware, or the other way round, so that kernels take other tiles. */
export async function withOtherTiles<T>(gpu: Gpu, body: () => Promise<T>): Promise<T> {
  const { software } = gpu.adapter
  Object.assign(gpu.adapter, { software: !software })
  try {
    return await body()
  } finally {
    Object.assign(gpu.adapter, { software })
  }
}
