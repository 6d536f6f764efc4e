import type { Gpu } from './gpu.js'
import type { TileTable } from './tiles.js'

/** Most workgroups of a dispatch along each axis, on every WebGPU device. */
export const maxWorkgroups = 65535

/** What an op may know of the device when it chooses its kernels. */
export interface DeviceTraits {
  /** Most 4-byte elements in one binding. */
  readonly bindingElements: number
  /** Most bytes in a uniform binding. */
  readonly uniformBytes: number
  /** True for a driver that computes on the CPU. */
  readonly software: boolean
  /** Least number of invocations in a subgroup; 0 if the device has no subgroups. */
  readonly subgroupSize: number
  /** Tiles of convolutions that were measured on this device. Default: none. */
  readonly tiles?: TileTable | undefined
}

/** The traits of a device. */
export function traitsOf(gpu: Gpu): DeviceTraits {
  return {
    bindingElements: Math.floor(gpu.bindingLimit / 4),
    uniformBytes: gpu.device.limits.maxUniformBufferBindingSize,
    subgroupSize: gpu.subgroupSize,
    software: gpu.adapter.software,
    tiles: gpu.tiles,
  }
}
