import type { Gpu } from './gpu.js'

/**
 * Requires a `Gpu`. A program may pass WebGPU's own device by mistake; the message then suggests `useDevice`.
 *
 * @param what starts the message
 * @throws Error if it is not a `Gpu`, or was disposed of
 * @throws DeviceLostError if it is lost
 */
export function requireGpu(what: string, gpu: unknown): asserts gpu is Gpu {
  const { pipelines, buffers, requireAlive } = (gpu ?? {}) as Partial<Gpu>
  if (!pipelines || !buffers || typeof requireAlive !== 'function') {
    const hint = isDevice(gpu)
      ? 'useDevice(device) makes one from it'
      : 'openGpu, openDevice or useDevice returns one'
    throw new Error(`${what}: a Gpu is needed, not ${kindOf(gpu)}; ${hint}`)
  }
  requireAlive.call(gpu, what)
}

/** Whether something looks like a WebGPU device. */
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
