import { UserError } from '../errors.js'
import { Gpu, type AdapterSummary } from './gpu.js'

/** Features that kernels may use if the adapter has them. */
export const optionalFeatures = ['timestamp-query', 'shader-f16', 'subgroups'] as const

/** Requests an adapter's optional features and its full buffer limits. */
export function deviceDescriptor(adapter: GPUAdapter, label: string): GPUDeviceDescriptor {
  return {
    label,
    requiredFeatures: optionalFeatures.filter((feature) => adapter.features.has(feature)),
    requiredLimits: {
      maxStorageBufferBindingSize: adapter.limits.maxStorageBufferBindingSize,
      maxBufferSize: adapter.limits.maxBufferSize,
    },
  }
}

/**
 * Opens the best adapter that a page or worker offers. In Node, use `openGpu` of `sae-webgpu/node`.
 *
 * @param gpu `navigator.gpu` by default
 * @throws UserError if there is no WebGPU or no adapter
 */
export async function openDevice(gpu: GPU | undefined = navigatorGpu()): Promise<Gpu> {
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter) {
    throw new UserError(
      'no WebGPU here: use a browser that has it, or check that hardware acceleration is switched on',
    )
  }
  const summary = summariseInfo(adapter.info)
  const device = await adapter.requestDevice(deviceDescriptor(adapter, summary.name))
  return new Gpu(device, summary)
}

/** A summary of what a browser or driver reports about an adapter. */
export function summariseInfo(info: GPUAdapterInfo): AdapterSummary {
  const { vendor, architecture, description, isFallbackAdapter } = info
  const name = description || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed adapter'
  const software = isFallbackAdapter || /llvmpipe|lavapipe|swiftshader/i.test(`${name} ${architecture}`)
  return { name, vendor, architecture, driver: description, software }
}

/**
 * `navigator.gpu`. A browser may lack it, and outside one there may be no `navigator`, although the types say
 * otherwise.
 */
function navigatorGpu(): GPU | undefined {
  return (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu
}
