import { availableParallelism } from 'node:os'
import { globals } from 'webgpu'
import { Gpu, type AdapterSummary, type GpuOptions } from '../gpu/gpu.js'
import { deviceDescriptor } from '../gpu/open-device.js'
import { chooseAdapter, findAdapters, type FoundAdapter } from './adapters.js'
import { waitIdly } from './idle.js'
import { traceOf } from './trace.js'

/** Environment variable that names an adapter, as `--adapter` does. */
export const adapterVariable = 'SAE_ADAPTER'

/** Options of `openGpu`. */
export interface OpenGpuOptions {
  /** Part of an adapter's name or its kind: `hardware`, `lavapipe`, `swiftshader`. */
  readonly adapter?: string | undefined
  /** Discards what the drivers write to stderr during the search for adapters; see `hush` for when that is safe. */
  readonly quiet?: boolean
}

/**
 * Opens the best adapter of this machine, or the one that the options or `SAE_ADAPTER` name.
 *
 * @throws UserError if there is no such adapter
 */
export async function openGpu(options: OpenGpuOptions = {}): Promise<Gpu> {
  Object.assign(globalThis, globals)
  const found = await findAdapters(options.quiet)
  return openAdapter(chooseAdapter(found, options.adapter ?? process.env[adapterVariable]))
}

/** Opens a device on an adapter, with all of the adapter's limits; `SAE_DEBUG` says what to show of its work. */
export async function openAdapter(found: FoundAdapter): Promise<Gpu> {
  Object.assign(globalThis, globals)
  return openOn(found, found.adapter, sharesKernels(found) ? () => openHelperOn(found) : undefined)
}

async function openOn(
  found: FoundAdapter,
  adapter: GPUAdapter,
  openHelper?: GpuOptions['openHelper'],
): Promise<Gpu> {
  const device = await adapter.requestDevice(deviceDescriptor(adapter, found.name))
  const gpu = new Gpu(device, summarise(found), { wait: waitIdly, trace: traceOf(), openHelper })
  keepAlive.set(gpu, found)
  return gpu
}

/** Another device. An adapter gives only one, so this asks for the adapter again. */
async function openHelperOn(found: FoundAdapter): Promise<Gpu> {
  const adapter = await found.gpu.requestAdapter()
  if (!adapter) throw new Error(`${found.name}: the adapter is gone`)
  return openOn(found, adapter)
}

/** Lavapipe compiles a kernel when it first runs, in one thread per device, and finds it again in Mesa's cache. */
function sharesKernels({ kind }: FoundAdapter): boolean {
  return kind === 'lavapipe' && availableParallelism() > 1 && !process.env.MESA_SHADER_CACHE_DISABLE
}

/** The summary of an adapter, for reports and messages. */
export function summarise({ name, kind, adapter }: FoundAdapter): AdapterSummary {
  const { vendor, architecture, description } = adapter.info
  return { name, vendor, architecture, driver: description, software: kind !== 'hardware' }
}

// A device must not outlive the GPU object that made it.
const keepAlive = new WeakMap<Gpu, FoundAdapter>()
