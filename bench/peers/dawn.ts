import { globals } from 'webgpu'
import { chooseAdapter, findAdapters } from '../../src/node/index.js'
import { adapterVariable } from '../../src/node/open-gpu.js'
import { fail } from './child.js'

/**
 * Gives a library the same Dawn and the same adapter as our engine, as `navigator.gpu`. Device errors end the process,
 * because libraries ignore them and return zeros.
 */
export async function offerDawn(): Promise<void> {
  Object.assign(globalThis, globals)
  const { gpu } = chooseAdapter(await findAdapters(), process.env[adapterVariable])
  const requestAdapter = async (): Promise<GPUAdapter | null> => {
    const adapter = await gpu.requestAdapter()
    if (!adapter) return null
    const requestDevice = adapter.requestDevice.bind(adapter)
    adapter.requestDevice = async (descriptor) => {
      const device = await requestDevice(descriptor)
      device.addEventListener('uncapturederror', ({ error }) => fail(error.message))
      return device
    }
    return adapter
  }
  const offered = { requestAdapter, wgslLanguageFeatures: gpu.wgslLanguageFeatures, keepAlive: gpu }
  // Node 21 and newer have a read-only `navigator` without `gpu`.
  Object.defineProperty(globalThis, 'navigator', {
    value: { gpu: offered, userAgent: 'node' },
    configurable: true,
  })
}
