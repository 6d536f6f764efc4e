import { create } from 'webgpu'
import { UserError } from '../errors.js'
import { hush } from './hush.js'
import { offerSwiftShader, unpackSwiftShader } from './software-vulkan.js'

/** An adapter of this machine. */
export interface FoundAdapter {
  /** The driver's name for it, for example `llvmpipe (LLVM 15.0.6, 256 bits)`. */
  readonly name: string
  /** Dawn's backend: `vulkan`, `metal`, `d3d12` and so on. */
  readonly backend: string
  /** A real GPU, or the kind of driver that computes on the CPU. */
  readonly kind: 'hardware' | 'lavapipe' | 'swiftshader' | 'software'
  /** Must live as long as the adapter and its devices. */
  readonly gpu: GPU
  /** Devices are requested from this adapter. */
  readonly adapter: GPUAdapter
}

const preference = ['hardware', 'lavapipe', 'software', 'swiftshader'] as const

/** Dawn options for every adapter. By default, timestamps would be quantised to 65 us. */
const dawnOptions = ['disable-dawn-features=timestamp_quantization']

/**
 * Finds every usable adapter: hardware first, then lavapipe, then the SwiftShader of the dev dependency.
 *
 * Without a system Vulkan, the bundled loader and SwiftShader are used; nothing needs root.
 *
 * @param quiet discards what the drivers write to stderr meanwhile; see `hush` for when that is safe
 */
export async function findAdapters(quiet = false): Promise<FoundAdapter[]> {
  const found = await (quiet ? hush(openAny) : openAny())
  return found.sort((a, b) => preference.indexOf(a.kind) - preference.indexOf(b.kind))
}

async function openAny(): Promise<FoundAdapter[]> {
  const bundled = unpackSwiftShader()
  if (bundled) offerSwiftShader(bundled)
  const found = await openAll()
  if (found.length > 0 || !bundled) return found
  // An old Vulkan loader ignores VK_ADD_DRIVER_FILES.
  offerSwiftShader(bundled, true)
  return openAll()
}

/**
 * Picks the first adapter whose name or kind contains `wanted` (ignoring case); without `wanted`, the first of all.
 *
 * @throws UserError if there is no such adapter
 */
export function chooseAdapter(found: readonly FoundAdapter[], wanted?: string): FoundAdapter {
  if (found.length === 0) {
    throw new UserError(
      'no GPU adapter on this machine: install a Vulkan driver (for example mesa-vulkan-drivers) or, on Linux x64, npm install @sparticuz/chromium for a software one',
    )
  }
  if (wanted === undefined || wanted === '') return found[0]!
  const chosen = found.find(({ name, kind }) =>
    `${name} ${kind}`.toLowerCase().includes(wanted.toLowerCase()),
  )
  if (!chosen) {
    const names = found.map(({ name, kind }) => `"${name}" (${kind})`).join(', ')
    throw new UserError(`no adapter is called "${wanted}"; this machine has ${names}`)
  }
  return chosen
}

async function openAll(): Promise<FoundAdapter[]> {
  const found: FoundAdapter[] = []
  for (const { name, backend } of await listNames()) {
    const gpu = gpuOf(backend, name)
    const adapter = await gpu.requestAdapter()
    // The null backend accepts every command and computes nothing.
    if (!adapter || adapter.info.device === 'null-backend' || backend === 'null') continue
    found.push({
      name,
      backend,
      kind: adapterKind({ name, software: adapter.info.isFallbackAdapter }),
      gpu,
      adapter,
    })
  }
  return found
}

/**
 * The GPU object that offers an adapter, cached for the life of the process. It must outlive its devices, because
 * collecting it first crashes the process; and it takes some 2 MB, which would add up if every device had its own.
 */
function gpuOf(backend: string, name: string): GPU {
  const key = `${backend} ${name}`
  const gpu = gpus.get(key) ?? create([...dawnOptions, `backend=${backend}`, `adapter=${name}`])
  gpus.set(key, gpu)
  return gpu
}

const gpus = new Map<string, GPU>()

/** The kind of adapter with this name. */
export function adapterKind({ name, software }: { name: string; software: boolean }): FoundAdapter['kind'] {
  if (/llvmpipe|lavapipe/i.test(name)) return 'lavapipe'
  if (/swiftshader/i.test(name)) return 'swiftshader'
  return software ? 'software' : 'hardware'
}

/** Dawn lists its adapters only in the error for a name that does not exist. */
async function listNames(): Promise<{ name: string; backend: string }[]> {
  let message: string
  try {
    await create(['adapter=list every adapter']).requestAdapter()
    return []
  } catch (error) {
    message = error instanceof Error ? error.message : String(error)
  }
  const seen = new Map<string, { name: string; backend: string }>()
  for (const [, backend, name] of message.matchAll(/backend: '([^']*)', name: '([^']*)'/g)) {
    // The same GPU may be offered by several backends; the first is the one that Dawn prefers.
    if (backend !== 'null' && !seen.has(name!)) seen.set(name!, { name: name!, backend: backend! })
  }
  return [...seen.values()]
}
