/** What the tests ask of a device beside its adapter. Isomorphic: the browser tests bundle it. */
import { deviceDescriptor } from '../src/gpu/open-device.js'

export interface DeviceWish {
  /** `default`: exactly the limits that every WebGPU device has, as if the adapter offered no more. */
  readonly limits: 'raised' | 'default'
  /** `none`: no optional feature, as if the adapter had none. */
  readonly features: 'all' | 'none'
}

/** What the library asks for. */
export const everything: DeviceWish = { limits: 'raised', features: 'all' }

/** Like `deviceDescriptor`, less what is not wished for. */
export function wishedDescriptor(adapter: GPUAdapter, label: string, wish: DeviceWish): GPUDeviceDescriptor {
  const { requiredFeatures, requiredLimits } = deviceDescriptor(adapter, label)
  return {
    label,
    requiredFeatures: wish.features === 'none' ? [] : requiredFeatures!,
    requiredLimits: wish.limits === 'default' ? {} : requiredLimits!,
  }
}

/**
 * The default limits of the WebGPU specification ("Limits") that the kernels could meet; a device that asks for
 * nothing has exactly these.
 */
export const defaultLimits = {
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
  maxUniformBufferBindingSize: 2 ** 16,
  maxStorageBuffersPerShaderStage: 8,
  maxUniformBuffersPerShaderStage: 12,
  maxBindingsPerBindGroup: 1000,
  maxComputeWorkgroupStorageSize: 2 ** 14,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupsPerDimension: 65535,
} as const
