import type { Gpu } from './gpu.js'

/**
 * Requires what the engine calls a device, which a program may take for WebGPU's own.
 *
 * @param what opens the message
 * @throws Error if it is anything else, or was disposed of
 * @throws DeviceLostError if it is lost
 */
export function requireGpu(what: string, gpu: unknown): asserts gpu is Gpu {
  const { pipelines, buffers, requireAlive } = (gpu ?? {}) as Partial<Gpu>
  if (!pipelines || !buffers || typeof requireAlive !== 'function') {
    const hint = isDevice(gpu)
      ? 'useDevice(device) makes one of it'
      : 'openGpu, openDevice and useDevice make one'
    throw new Error(`${what}: a Gpu is needed, not ${kindOf(gpu)}; ${hint}`)
  }
  requireAlive.call(gpu, what)
}

/** Whether something looks like WebGPU's own device. */
export function isDevice(thing: unknown): thing is GPUDevice {
  const { queue, createBuffer } = (thing ?? {}) as Partial<GPUDevice>
  return queue !== undefined && typeof createBuffer === 'function'
}

/** What something is, for messages: `undefined`, `a Float64Array`, `a Promise (await it)`. */
export function kindOf(thing: unknown): string {
  if (thing === undefined || thing === null) return String(thing)
  if (typeof thing !== 'object') return `a ${typeof thing}`
  const kind = Object.prototype.toString.call(thing).slice(8, -1)
  const name = kind === 'Object' ? ((thing.constructor as { name: string } | undefined)?.name ?? kind) : kind
  return `${/^[AEIOU](?!int)/.test(name) ? 'an' : 'a'} ${name}${name === 'Promise' ? ' (await it)' : ''}`
}
