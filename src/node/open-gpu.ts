import { globals } from 'webgpu'
import { Gpu, type AdapterSummary } from '../gpu/gpu.js'
import { deviceDescriptor } from '../gpu/open-device.js'
import { chooseAdapter, findAdapters, type FoundAdapter } from './adapters.js'
import { waitIdly } from './idle.js'
import { traceOf } from './trace.js'

/** Environment variable that names an adapter, as `--adapter` does. */
export const adapterVariable = 'SAE_ADAPTER'

/** Which adapter `openGpu` opens, and how quietly. */
export interface OpenGpuOptions {
  /** Part of an adapter's name or its kind: `hardware`, `lavapipe`, `swiftshader`. */
  readonly adapter?: string | undefined
  /** Throw away what the drivers write to stderr while adapters are looked for; see `hush` for when a program may. */
  readonly quiet?: boolean
}

/**
 * Opens the best adapter of this machine, or the one asked for by option or `SAE_ADAPTER`.
 *
 * @throws UserError if no adapter fits.
 */
export async function openGpu(options: OpenGpuOptions = {}): Promise<Gpu> {
  Object.assign(globalThis, globals)
  const found = await findAdapters(options.quiet)
  return openAdapter(chooseAdapter(found, options.adapter ?? process.env[adapterVariable]))
}

/** Opens a device on a found adapter, with all of the adapter's limits; `SAE_DEBUG` says what it shows of its work. */
export async function openAdapter(found: FoundAdapter): Promise<Gpu> {
  Object.assign(globalThis, globals)
  const { adapter } = found
  const device = await adapter.requestDevice(deviceDescriptor(adapter, found.name))
  const gpu = new Gpu(device, summarise(found), { wait: waitIdly, trace: traceOf() })
  keepAlive.set(gpu, found)
  return gpu
}

/** The summary of an adapter that reports and messages show. */
export function summarise({ name, kind, adapter }: FoundAdapter): AdapterSummary {
  const { vendor, architecture, description } = adapter.info
  return { name, vendor, architecture, driver: description, software: kind !== 'hardware' }
}

// A device must not outlive the GPU object that made it.
const keepAlive = new WeakMap<Gpu, FoundAdapter>()
