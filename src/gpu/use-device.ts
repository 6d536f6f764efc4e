import { UserError } from '../errors.js'
import { Gpu, type AdapterSummary, type Wait } from './gpu.js'
import { summariseInfo } from './open-device.js'
import { isDevice, kindOf } from './require-gpu.js'
import type { Trace } from './trace.js'

/** What `useDevice` needs to know of the device. */
export interface UseDeviceOptions {
  /** What messages say of the adapter, where the program knows it better than the device does. */
  readonly adapter?: Partial<AdapterSummary>
  /** Waits for a promise of the device. In Node, `waitIdly` of `sae-webgpu/node` gives back the processor meanwhile. */
  readonly wait?: Wait
  /** What to show of the engine's work, and where. Default: nothing. */
  readonly trace?: Trace
}

/**
 * Lets the engine work on a device that the program already has, with the limits and features that it was created
 * with. The device stays the program's: `dispose()` of the result destroys every buffer that the engine created on it,
 * removes the engine's listener and leaves the device as it is.
 *
 * Ask the adapter for as much as it has where volumes are large: `deviceDescriptor(adapter, label)` names the limits
 * (`maxStorageBufferBindingSize`, `maxBufferSize`) and features (`shader-f16`, `subgroups`, `timestamp-query`) that the
 * engine makes use of; it needs none of them.
 *
 * An error of the device that no error scope catches is thrown by the engine's next read, once, and stays visible to
 * the program: it may be anybody's.
 *
 * @throws UserError if `device` is no device of WebGPU, or the constants of WebGPU (`GPUBufferUsage` and so on) are not global, as in Node before
 *   `Object.assign(globalThis, globals)` with the `globals` of the package `webgpu`
 */
export function useDevice(device: GPUDevice, { adapter = {}, wait, trace = {} }: UseDeviceOptions = {}): Gpu {
  if (!('GPUBufferUsage' in globalThis)) {
    throw new UserError(
      'useDevice: GPUBufferUsage is not defined; in Node: Object.assign(globalThis, globals), from the package webgpu',
    )
  }
  if (!isDevice(device)) {
    throw new UserError(
      `useDevice: a GPUDevice is needed, not ${kindOf(device)}; await adapter.requestDevice() gives one`,
    )
  }
  return new Gpu(
    device,
    { ...summariseInfo(device.adapterInfo), ...adapter },
    { borrowed: true, trace, ...(wait ? { wait } : {}) },
  )
}
