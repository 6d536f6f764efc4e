/** Runs the core on the device of the page or worker that imports this. */
import { Gpu } from '../../src/gpu/gpu.js'
import { openDevice } from '../../src/gpu/open-device.js'
import { everything, wishedDescriptor, type DeviceWish } from '../device-wish.js'
import { runCore, type CoreResult } from './core.js'

/** @param wish of everything, the library opens the device itself */
export async function runHere(wish: DeviceWish = everything): Promise<CoreResult> {
  const gpu = await open(wish)
  try {
    return await runCore(gpu)
  } finally {
    gpu.dispose()
  }
}

async function open(wish: DeviceWish): Promise<Gpu> {
  if (wish.limits === 'raised' && wish.features === 'all') return openDevice()
  const adapter = await navigator.gpu.requestAdapter()
  if (!adapter) throw new Error('this browser has no WebGPU adapter')
  const device = await adapter.requestDevice(wishedDescriptor(adapter, 'test', wish))
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info
  return new Gpu(device, {
    name: `${vendor} ${architecture}`,
    vendor,
    architecture,
    driver: description,
    software: isFallbackAdapter,
  })
}
