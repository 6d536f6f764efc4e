import type { Gpu } from './gpu.js'

/** Workgroups that one dispatch may have along each axis, on every WebGPU device. */
export const maxWorkgroups = 65535

/** What an op may know of the device when it chooses its kernels. */
export interface DeviceTraits {
  /** Elements of 4 bytes that one binding may show. */
  readonly bindingElements: number
  /** Bytes that a uniform binding may show. */
  readonly uniformBytes: number
  /** True for a driver that computes on the CPU. */
  readonly software: boolean
  /** Invocations of every subgroup, at least; 0 if the device has no subgroups. */
  readonly subgroupSize: number
}

/** The traits of a device. */
export function traitsOf(gpu: Gpu): DeviceTraits {
  return {
    bindingElements: Math.floor(gpu.bindingLimit / 4),
    uniformBytes: gpu.device.limits.maxUniformBufferBindingSize,
    subgroupSize: gpu.subgroupSize,
    software: gpu.adapter.software,
  }
}
