import { UserError } from '../errors.js'
import { Gpu, type AdapterSummary, type Wait } from './gpu.js'
import { summariseInfo } from './open-device.js'
import { isDevice, kindOf } from './require-gpu.js'
import type { Trace } from './trace.js'

/** Options of `useDevice`. */
export interface UseDeviceOptions {
  /** Overrides what the device reports about its adapter, for messages. */
  readonly adapter?: Partial<AdapterSummary>
  /** Waits for a promise of the device. In Node, `waitIdly` of `sae-webgpu/node` yields the processor meanwhile. */
  readonly wait?: Wait
  /** What to show of the engine's work, and where. Default: nothing. */
  readonly trace?: Trace
}

/**
 * Lets the engine work on a device that the program already has, with the limits and features that it was created
 * with. The program keeps the device: `dispose()` of the result destroys every buffer that the engine created on it,
 * removes the engine's listener and leaves the device as it is.
 *
 * For large volumes, request as much as the adapter offers: `deviceDescriptor(adapter, label)` names the limits
 * (`maxStorageBufferBindingSize`, `maxBufferSize`) and features (`shader-f16`, `subgroups`, `timestamp-query`) that the
 * engine uses if it can; it needs none of them.
 *
 * If the device reports an error that no error scope catches, the engine's next read throws it once, and the program
 * sees it too: either of them may have caused it.
 *
 * @throws UserError if `device` is not a WebGPU device, or if WebGPU's constants (`GPUBufferUsage` and so on) are not
 *   global, as in Node before `Object.assign(globalThis, globals)` with the `globals` of the package `webgpu`
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
